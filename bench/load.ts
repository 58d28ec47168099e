/**
 * The load generator, a process of its own: sends requests over kept connections, each when the last was answered, and
 * checks every answer. Sockets, not an HTTP client: on two cores what the client costs the server does not get.
 */
import { connect } from "node:net"
import { performance } from "node:perf_hooks"
import { isAnswer, patience, request } from "./greet.ts"
import { quantile } from "./statistics.ts"

/** What to send. */
export interface Load {
  readonly port: number
  readonly path: string
  /** JSON to post, which is to be echoed; without, it is a GET that is to greet. */
  readonly json?: string | undefined
  readonly requests: number
  readonly connections: number
}

/** What came of it, in milliseconds; or why it failed. */
export type Outcome = { readonly wall: number; readonly p99: number } | { readonly failure: string }

const run = ({ connections, json, path, port, requests }: Load): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const bytes = request(port, path, json)
    const latencies = new Float64Array(requests)
    let sent = 0
    let answered = 0
    let open = connections
    const began = performance.now()

    for (let connection = 0; connection < connections; connection++) {
      const socket = connect(port, "127.0.0.1")
      let text = ""
      let asked = 0
      const next = () => {
        if (sent === requests) {
          socket.destroy()
          if (--open === 0) resolve({ wall: performance.now() - began, p99: quantile(latencies, 0.99) })
          return
        }
        sent++
        asked = performance.now()
        socket.write(bytes)
      }
      socket.setNoDelay(true)
      socket.on("connect", next)
      socket.on("error", reject)
      socket.setTimeout(patience, () => reject(new Error("stopped answering")))
      socket.on("end", () => reject(new Error("closed a kept connection")))
      socket.on("data", (chunk) => {
        text += chunk.toString("latin1")
        try {
          if (!isAnswer(text, json)) return
        } catch (error) {
          return reject(error)
        }
        text = ""
        latencies[answered++] = performance.now() - asked
        next()
      })
    }
  })

process.on("message", (load: Load) => {
  run(load).then(
    (outcome) => process.send?.(outcome),
    (error: Error) => process.send?.({ failure: error.message })
  )
})
process.on("disconnect", () => process.exit())
