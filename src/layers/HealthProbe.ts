import { type Answer, judge, parse, type Probe } from "../services/HealthProbe.ts"

const longestBody = 1024 * 1024

const http = (target: string) => process.getBuiltinModule(target.startsWith("https:") ? "node:https" : "node:http")

const ask = (target: string, { timeout }: Probe): Promise<Answer> =>
  new Promise((resolve) => {
    const request = http(target).get(
      `${target}/health`,
      { agent: false, headers: { accept: "application/health+json" } },
      (response) => {
        let body = ""
        response.setEncoding("utf8")
        response.on("data", (text: string) => {
          body += text
          if (body.length > longestBody) response.destroy(new Error("the answer has more than 1 MiB"))
        })
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }))
        response.on("error", ({ message }) => resolve({ failure: message }))
      }
    )
    const timer = setTimeout(() => request.destroy(new Error(`nothing within ${timeout} ms`)), timeout)
    request.on("error", ({ message }) => resolve({ failure: message || "connection refused" }))
    request.on("close", () => clearTimeout(timer))
  })

/**
 * Runs `health`: asks, prints one line, sets the exit code. False where help was asked for, and nothing was done.
 *
 * **Details**
 *
 * It is loaded alone, without the service or the command line, so that a container runtime may start it often.
 *
 * @category running
 * @since 1.1.0
 */
export const run = (args: ReadonlyArray<string>): boolean => {
  const probe = parse(args, process.env)
  if (probe === "help") return false
  if ("problems" in probe) {
    process.stderr.write(`${probe.problems.join("\n")}\n`)
    process.exitCode = 1
    return true
  }
  void Promise.all(probe.targets.map((target) => ask(target, probe))).then((answers) => {
    const { exitCode, text } = judge(probe, answers)
    // Nobody reads: the exit code says it all.
    process.stdout.on("error", () => {}).write(`${text}\n`)
    process.exitCode = exitCode
  })
  return true
}
