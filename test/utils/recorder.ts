import { once } from "node:events"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"

const services: Readonly<Record<string, string>> = {
  Logs_20140328: "logs",
  GraniteServiceVersion20100801: "cloudwatch"
}

const actionOf = (target: string | undefined, body: string): string => {
  const [service = "", action] = (target ?? "").split(".")
  return action === undefined
    ? `cloudformation:${new URLSearchParams(body).get("Action")}`
    : `${services[service] ?? service}:${action}`
}

/** Passes requests on to AWS, or what stands for it, and remembers which actions they were. */
export const startRecorder = async (endpoint: string, actions: Set<string>) => {
  const server = createServer((incoming, response) => {
    const parts: Array<Buffer> = []
    incoming.on("data", (part: Buffer) => parts.push(part))
    incoming.on("end", () => {
      const body = Buffer.concat(parts)
      actions.add(actionOf(incoming.headers["x-amz-target"] as string | undefined, body.toString()))
      const { headers, method, url } = incoming
      request(new URL(url ?? "/", endpoint), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      }).on("error", () => response.destroy()).end(body)
    })
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}
