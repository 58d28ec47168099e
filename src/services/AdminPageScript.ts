/**
 * What makes the admin page live: new log lines as they come, everything else every five seconds. The page works
 * without it; the content security policy allows it by its hash.
 *
 * **Details**
 *
 * Everything is written as text, never as HTML. While the page is hidden or paused it asks for nothing, so that hidden
 * tabs hold no connection. A part that is being read (focus, selection, something opened) is left as it is. When the
 * service does not answer, the page says since when.
 *
 * @category constants
 * @since 1.1.0
 */
export const script = `(() => {
"use strict"
const log = document.getElementById("log"), entry = document.getElementById("entry")
const live = document.getElementById("live"), stale = document.getElementById("stale")
const most = 100
let on = true, source, retry, timer, fresh, replayed, answered = new Date()
const text = (value) => typeof value === "string" ? value : JSON.stringify(value)
const add = (line, isNew) => {
  const { level, message, ...fields } = line
  const item = entry.content.firstElementChild.cloneNode(true)
  const [time, label, said, hint, list] = ["time", "b", "span", ".hint", "dl"].map((name) => item.querySelector(name))
  item.className = /^[A-Z]+$/.test(level) ? level + (isNew ? " new" : "") : ""
  time.dateTime = text(fields.timestamp || "")
  time.textContent = time.dateTime.slice(11, 23)
  label.textContent = text(level || "")
  said.textContent = text(message === undefined ? "" : message).slice(0, 2000)
  const rest = Object.entries(fields).filter(([name]) => name !== "timestamp")
  hint.textContent = rest.map(([name, value]) => name + "=" + text(value)).join(" ").slice(0, 300)
  for (const [name, value] of [["timestamp", fields.timestamp || ""], ...rest]) {
    list.append(Object.assign(document.createElement("dt"), { textContent: name }))
    list.append(Object.assign(document.createElement("dd"), { textContent: text(value).slice(0, 20000) }))
  }
  if (log.firstElementChild && !log.firstElementChild.querySelector("details")) log.replaceChildren()
  log.prepend(item)
  while (log.children.length > most) log.lastElementChild.remove()
}
const note = (level, message) => add({ level, message, timestamp: new Date().toISOString() }, true)
const follow = () => {
  source = new EventSource("/logs?follow")
  source.onopen = () => { fresh = true; replayed = Date.now() + 500 }
  source.onmessage = ({ data }) => {
    if (fresh) log.replaceChildren()
    fresh = false
    add(JSON.parse(data), Date.now() > replayed)
  }
  source.addEventListener("lost", ({ data }) => note("WARN", data + " lines are not shown: this page reads too slowly"))
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) retry = setTimeout(follow, 10000)
  }
}
const silent = () => {
  stale.hidden = false
  stale.querySelector("p").textContent = "No answer since " + answered.toISOString().slice(11, 19) +
    " UTC. What is below is as old as that."
}
const read = (part) => part.contains(document.activeElement) && document.activeElement !== document.body ||
  part.querySelector("details[open]") || String(getSelection()) !== "" && getSelection().containsNode(part, true)
const refresh = () => {
  const request = new XMLHttpRequest()
  request.open("GET", location.pathname)
  request.responseType = "document"
  request.timeout = 4000
  request.setRequestHeader("Accept", "text/html")
  request.onerror = request.ontimeout = silent
  request.onload = () => {
    const next = request.response
    if (request.status !== 200 || !next || !next.getElementById("status")) return silent()
    answered = new Date()
    stale.hidden = true
    document.title = next.title
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = next.getElementById(part.id)
      if (other && !read(part)) part.replaceWith(other)
    }
  }
  request.send()
}
const turn = () => {
  clearInterval(timer)
  clearTimeout(retry)
  if (source) source.close()
  if (!on || document.hidden) return
  timer = setInterval(refresh, 5000)
  follow()
}
live.hidden = false
live.onclick = () => {
  on = !on
  live.setAttribute("aria-pressed", on)
  turn()
  if (on) refresh()
}
document.addEventListener("visibilitychange", () => { turn(); if (on && !document.hidden) refresh() })
turn()
})()`

/**
 * The SHA-256 of {@link script} for the content security policy, in base64.
 *
 * @category constants
 * @since 1.1.0
 */
export const scriptHash = "jmwGrPJHvjhjhKUvJytkZ2YrvHOvKuKfXrB/3n0u1c8="
