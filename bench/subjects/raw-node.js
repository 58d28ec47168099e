/** Plain `node:http` without logs, metrics and validation: what every ratio is a ratio to. */
import { createServer } from "node:http"

const prefix = "/greet/"

const answer = (response, value) => {
  const body = JSON.stringify(value)
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
  response.end(body)
}

const server = createServer((request, response) => {
  const url = request.url ?? ""
  if (request.method === "GET" && url.startsWith(prefix)) {
    answer(response, { message: `Hello, ${decodeURIComponent(url.slice(prefix.length))}!` })
    return
  }
  if (request.method === "POST" && url === "/echo") {
    let text = ""
    request.setEncoding("utf8")
    request.on("data", (chunk) => {
      text += chunk
    })
    request.on("end", () => answer(response, JSON.parse(text)))
    return
  }
  response.writeHead(404).end()
})

// As long as load balancers keep an idle connection, and as keelson does.
server.keepAliveTimeout = 65_000
server.listen({ host: "0.0.0.0", port: Number(process.env.PORT) })
