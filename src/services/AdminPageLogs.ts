import type { HealthDocument } from "./HealthDocument.ts"
import { clip } from "./Html.ts"
import * as Human from "./HumanFormat.ts"

type Entry = HealthDocument["logs"][number]

/** Bytes of what an entry shows at most: the whole line is in `/logs`. */
const most = { message: 360, hint: 160, name: 60, value: 400, fields: 850 }

/**
 * The last log entries, newest first, each opening to its fields.
 *
 * @category rendering
 * @since 1.1.0
 */
export const logsSection = ({ logs }: HealthDocument): string =>
  `<section id="logs" aria-labelledby="logs-h"><header><h2 id="logs-h">Last 10 log entries</h2>` +
  `<p>newest first; in full: <a href="/logs">/logs</a></p></header><ol class="log" id="log" tabindex="0" aria-labelledby="logs-h">${
    logs.length === 0 ? `<li class="none">Nothing was logged yet.</li>` : [...logs].reverse().map(entry).join("")
  }</ol></section>`

/**
 * The markup of one entry, empty: the page's script fills it in.
 *
 * @category rendering
 * @since 1.1.0
 */
export const template = `<template id="entry">${
  item({ level: "", time: "", timestamp: "", message: "", hint: "", fields: "" })
}</template>`

function item(
  { fields, hint, level, message, time, timestamp }: Readonly<
    Record<"level" | "time" | "timestamp" | "message" | "hint" | "fields", string>
  >
) {
  return `<li${level === "" ? "" : ` class="${level}"`}><details><summary><time${
    timestamp === "" ? "" : ` datetime="${timestamp}"`
  }>${time}</time><b>${level}</b><span>${message}</span><span class="hint">${hint}</span></summary><dl>${fields}</dl></details></li>`
}

const entry = ({ level, message, timestamp, ...fields }: Entry): string => {
  const time = shown(timestamp)
  const rest = Object.entries(fields)
  return item({
    level: levels.has(shown(level)) ? shown(level) : "",
    timestamp: clip(time, 40),
    time: clip(Human.timeOfDay(time, { milliseconds: true }), 40),
    message: clip(shown(message), most.message),
    hint: clip(rest.map(([name, value]) => `${name}=${shown(value)}`).join(" "), most.hint),
    fields: fieldsOf([["timestamp", timestamp], ...rest])
  })
}

const levels: ReadonlySet<string> = new Set(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"])

const encoder = new TextEncoder()

const fieldsOf = (fields: ReadonlyArray<readonly [name: string, value: unknown]>): string => {
  let left = most.fields
  let text = ""
  for (const [index, [name, value]] of fields.entries()) {
    const pair = `<dt>${clip(name, most.name)}</dt><dd>${clip(shown(value), most.value)}</dd>`
    left -= encoder.encode(pair).length
    if (left < 0) return `${text}<dt>…</dt><dd>${fields.length - index} more</dd>`
    text += pair
  }
  return text
}

const shown = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value) ?? ""
