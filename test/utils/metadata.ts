import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** A metadata service that answers only to its session token, with what `paths` says. */
export const startMetadata = async (paths: Readonly<Record<string, string>>) => {
  const server = createServer(({ headers, method, url = "" }, response) => {
    if (method === "PUT" && url === "/latest/api/token") return void response.end("secret")
    const text = paths[decodeURIComponent(url.replace("/latest/meta-data/", ""))]
    if (headers["x-aws-ec2-metadata-token"] !== "secret") return void response.writeHead(401).end()
    response.writeHead(text === undefined ? 404 : 200).end(text)
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

/** What an instance's metadata have: its Region and its tags. */
export const instance = (tags: Readonly<Record<string, string>>): Record<string, string> => ({
  "placement/region": "eu-west-1",
  "tags/instance": Object.keys(tags).join("\n"),
  ...Object.fromEntries(Object.entries(tags).map(([name, value]) => [`tags/instance/${name}`, value]))
})
