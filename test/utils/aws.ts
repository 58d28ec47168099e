import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { launch, type Program } from "./service.ts"

/** A port of the loopback that nobody listens on. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

/** Resolves with what `ask` gives as soon as it gives something. */
export const until = async <A>(ask: () => A | undefined | false | Promise<A | undefined | false>): Promise<A> => {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Starts `serve` of a built service as on AWS, with `endpoint` in its place, and resolves once it is ready. */
export const startOnAws = async (
  endpoint: string,
  options: Program & {
    readonly flags?: ReadonlyArray<string>
    readonly environment?: "ec2" | "ecs"
  } = {}
) => {
  const [port, adminPort] = [await freePort(), await freePort()]
  const { child, exit: closed } = launch(options, [
    "serve",
    `--environment=${options.environment ?? "ec2"}`,
    ...(options.flags ?? [])
  ], {
    PORT: String(port),
    ADMIN_PORT: String(adminPort),
    LAMEDUCK: "0s",
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test"
  })
  child.stdin.end()
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (data) => stdout += String(data))
  child.stderr.on("data", (data) => stderr += String(data))
  const exit = closed.then(({ code }) => code)
  const url = `http://127.0.0.1:${port}`
  const admin = `http://127.0.0.1:${adminPort}`
  const get = (address: string) => fetch(address).then((response) => response.text(), () => undefined)
  await Promise.race([
    until(async () => (await get(`${url}/readyz`))?.startsWith("ready")),
    exit.then((code) => Promise.reject(new Error(`exited ${code}:\n${stdout}${stderr}`)))
  ])
  return {
    process: child,
    url,
    admin,
    get,
    exit,
    stdout: () => stdout,
    stderr: () => stderr,
    signal: child.kill.bind(child)
  }
}
