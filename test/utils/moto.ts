import { execFile, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { promisify } from "node:util"
import { freePort, until } from "./aws.ts"
import { startRecorder } from "./recorder.ts"

/**
 * Whether there is the emulator, which nobody here wrote: `pip install 'moto[server]' awscli`. Where CI is set it must be.
 */
export const present = process.env["CI"] !== undefined ||
  ["moto_server", "aws"].every((command) => spawnSync(command, ["--version"]).error === undefined)

export const credentials = {
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_DEFAULT_REGION: "eu-west-1"
}

/** What clients of the AWS SDK are told of an emulator at `endpoint`. */
export const clientOptions = (endpoint: string) => ({
  endpoint,
  region: credentials.AWS_DEFAULT_REGION,
  credentials: { accessKeyId: credentials.AWS_ACCESS_KEY_ID, secretAccessKey: credentials.AWS_SECRET_ACCESS_KEY }
})

/** Starts an emulator; `actions` gets what is asked of its `url`, `direct` remembers nothing. */
export const startMoto = async (actions: Set<string>) => {
  const port = await freePort()
  const child = spawn("moto_server", ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" })
  const direct = `http://127.0.0.1:${port}`
  await until(() => fetch(`${direct}/moto-api/`).then(({ ok }) => ok, () => false))
  const aws = async <A = Record<string, ReadonlyArray<Record<string, unknown>>>>(...args: ReadonlyArray<string>) => {
    const { stdout } = await promisify(execFile)("aws", [...args, "--output", "json"], {
      env: { PATH: process.env["PATH"], AWS_ENDPOINT_URL: direct, ...credentials },
      maxBuffer: 64 * 1024 * 1024
    })
    return JSON.parse(stdout || "{}") as A
  }
  const recorder = await startRecorder(direct, actions)
  const close = async () => {
    recorder.close()
    child.kill()
    await once(child, "exit")
  }
  return { url: recorder.url, direct, aws, close }
}
