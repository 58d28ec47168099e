/**
 * Holds connections, a process of its own: each asks once, and then keeps what it has until the server ends it. Its own
 * loopback address gives it ports of its own.
 */
import { connect } from "node:net"
import { isAnswer, request } from "../greet.ts"

/** What to open. */
export interface Connections {
  readonly port: number
  readonly path: string
  readonly count: number
  readonly localAddress: string
}

/** What became of it: connections that got the right answer, that are open, that the server ended, that broke. */
export interface State {
  readonly answered: number
  readonly open: number
  readonly ended: number
  readonly broken: number
}

const opening = 64

let answered = 0
let open = 0
let ended = 0
let broken = 0

const hold = ({ localAddress, path, port }: Connections): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress }, () => {
      open++
      socket.once("close", () => open--)
      socket.write(request(port, path))
    })
    let text = ""
    const onData = (chunk: Buffer) => {
      text += chunk.toString("latin1")
      try {
        if (!isAnswer(text)) return
      } catch (error) {
        socket.destroy(error as Error)
        return
      }
      answered++
      text = ""
      socket.off("data", onData)
      socket.resume()
      resolve()
    }
    socket.on("data", onData)
    socket.once("end", () => ended++)
    socket.once("error", () => broken++)
    socket.once("close", () => resolve())
  })

process.on("message", async (connections: Connections | "state") => {
  if (connections !== "state") {
    let left = connections.count
    await Promise.all(Array.from({ length: opening }, async () => {
      while (left-- > 0) await hold(connections)
    }))
  }
  process.send?.({ answered, open, ended, broken } satisfies State)
})
process.on("disconnect", () => process.exit())
