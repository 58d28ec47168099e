import { connect } from "node:net"

export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Sends bytes over a connection of its own and resolves with all that came back, once the server closed it. */
export const exchange = (url: string, bytes: string | Buffer): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    let text = ""
    socket.setEncoding("latin1")
    socket.on("data", (chunk) => text += String(chunk))
    // A reset after the answer, while the rest is still being sent: what came before it counts.
    socket.on("error", () => {})
    socket.on("close", () => resolve(text))
    socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes)
  })

/** The answers in what came back, final ones alone. */
export const answers = (text: string): ReadonlyArray<Answer> => {
  const found: Array<Answer> = []
  let rest = text
  while (rest.length > 0) {
    const end = rest.indexOf("\r\n\r\n")
    if (end === -1) throw new Error(`no end of headers in ${JSON.stringify(rest)}`)
    const [line = "", ...lines] = rest.slice(0, end).split("\r\n")
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]
    if (status === undefined) throw new Error(`no status line in ${JSON.stringify(line)}`)
    const headers = new Map(lines.map((line) => {
      const colon = line.indexOf(":")
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    }))
    rest = rest.slice(end + 4)
    if (status.startsWith("1")) continue
    const length = Number(headers.get("content-length") ?? rest.length)
    found.push({ status: Number(status), headers, body: rest.slice(0, length) })
    rest = rest.slice(length)
  }
  return found
}
