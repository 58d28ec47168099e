import { createServer } from "node:net"

/**
 * A free port, below those that outgoing connections take, so that it is still free after a while. The range must have none
 * of the ports that `fetch` refuses: https://fetch.spec.whatwg.org/#port-blocking
 */
export const freePort = async (lowest = 11_000, highest = 30_000): Promise<number> => {
  const port = lowest + Math.floor(Math.random() * (highest - lowest))
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.on("error", () => resolve(false))
    server.listen(port, () => resolve(true))
  })
  if (!free) return freePort(lowest, highest)
  await new Promise((resolve) => server.close(resolve))
  return port
}
