/** Plain `node:http` without logs and metrics: what every ratio is a ratio to. */
import { createServer } from "node:http"

const prefix = "/greet/"

createServer((request, response) => {
  const url = request.url ?? ""
  if (request.method !== "GET" || !url.startsWith(prefix)) {
    response.writeHead(404).end()
    return
  }
  const body = JSON.stringify({ message: `Hello, ${decodeURIComponent(url.slice(prefix.length))}!` })
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
  response.end(body)
}).listen({ host: "0.0.0.0", port: Number(process.env.PORT) })
