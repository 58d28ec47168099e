import { connect } from "node:net"
import { performance } from "node:perf_hooks"
import { greeting } from "./subjects.ts"

/** How long a subject may take to answer, in milliseconds. */
export const patience = 10_000

const ok = "HTTP/1.1 200 "
const headersEnd = "\r\n\r\n"

/** The bytes of one request, a POST if there is JSON to send; the connection is kept. */
export const request = (port: number, path: string, json?: string): Buffer => {
  const host = `HTTP/1.1\r\nHost: localhost:${port}\r\n`
  return Buffer.from(
    json === undefined
      ? `GET ${path} ${host}\r\n`
      : `POST ${path} ${host}Content-Type: application/json\r\nContent-Length: ${
        Buffer.byteLength(json)
      }\r\n\r\n${json}`
  )
}

/** Whether the text is the whole right answer; false if some is to come, an error if it is another. */
export const isAnswer = (text: string, body = greeting): boolean => {
  if (text.length < ok.length) return false
  const end = text.indexOf(headersEnd)
  if (text.startsWith(ok)) {
    if (end === -1) return false
    const start = end + headersEnd.length
    if (text.length - start < body.length && body.startsWith(text.slice(start))) return false
    if (text.length - start === body.length && text.endsWith(body)) return true
  }
  throw new Error(`answered ${JSON.stringify(text)}`)
}

/** Asks once; the time of the right answer, or undefined if nobody listens. An error tells any other answer. */
export const greetOnce = (port: number, path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    let text = ""
    const socket = connect(port, "127.0.0.1", () => socket.write(request(port, path)))
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      try {
        if (!isAnswer(text)) return
        resolve(performance.now())
      } catch (error) {
        reject(error)
      }
      socket.destroy()
    })
    socket.setTimeout(patience, () => socket.destroy(new Error("no answer")))
    socket.on("error", () => resolve(undefined))
    socket.on("end", () => resolve(undefined))
  })
