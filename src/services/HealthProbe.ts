/**
 * What `health` is to ask: the first of `targets` decides, the second, where there is one, knows why.
 *
 * @category models
 * @since 1.1.0
 */
export interface Probe {
  readonly targets: ReadonlyArray<string>
  readonly timeout: number
  readonly json: boolean
}

/**
 * An answer to `GET /health`, or why there is none.
 *
 * @category models
 * @since 1.1.0
 */
export type Answer =
  | { readonly status: number; readonly body: string }
  | { readonly failure: string }

/**
 * What is printed, and the exit code: 0 for `pass` and `warn`, 1 otherwise, as container runtimes want it.
 *
 * @category models
 * @since 1.1.0
 */
export interface Verdict {
  readonly text: string
  readonly exitCode: 0 | 1
}

/**
 * How long an answer may take when nobody says, in milliseconds.
 *
 * @category constants
 * @since 1.1.0
 */
export const timeout = 5000

/**
 * The ports of the two listeners where no setting says otherwise.
 *
 * @category constants
 * @since 1.1.0
 */
export const ports = { service: "8080", admin: "9990" } as const

// Imports nothing: a container runtime starts this every few seconds, and loading Effect costs more than all it does.

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }

// Of a timer of Node.
const longest = 2 ** 31

const milliseconds = (text: string): number | undefined => {
  const [, number = "", unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? []
  const value = Number(number) * (units[unit] ?? 0)
  return value > 0 && value < longest ? value : undefined
}

const addressOf = (host: string | undefined, port: string): string =>
  `http://${
    host === undefined || host === "0.0.0.0" || host === "::" || host === ""
      ? "127.0.0.1"
      : host.includes(":")
      ? `[${host}]`
      : host
  }:${port}`

/**
 * Whether a text is the URL of a listener: no account, query or fragment, for a path is to follow.
 *
 * @category predicates
 * @since 1.1.0
 */
export const isUrl = (text: string): boolean => /^https?:\/\/[^/?#@]+(\/[^?#]*)?$/.test(text) && URL.canParse(text)

/**
 * A text that should be a URL, quoted, without the account that may be in it.
 *
 * @category rendering
 * @since 1.1.0
 */
export const quoted = (text: string): string => JSON.stringify(text.replace(/\/\/[^/?#]*@/, "//…@"))

/**
 * Reads the arguments after `health`. Fails with all problems at once; `help` where help is asked for.
 *
 * **Details**
 *
 * Without `--target` both listeners of the service with these environment variables are asked, on this machine.
 *
 * @category parsing
 * @since 1.1.0
 */
export const parse = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>
): Probe | "help" | { readonly problems: ReadonlyArray<string> } => {
  const problems: Array<string> = []
  let target: string | undefined
  let limit = timeout
  let json = false
  for (let index = 0; index < args.length; index++) {
    const [, flag = args[index], given] = /^(--[^=]+)=(.*)$/s.exec(args[index] ?? "") ?? []
    if (flag === "--help" || flag === "-h") return "help"
    const value = () => given ?? args[++index] ?? ""
    if (flag === "--json" && given === undefined) {
      json = true
    } else if (flag === "--target") {
      const text = value()
      if (isUrl(text)) target = text.replace(/\/+$/, "")
      else problems.push(`--target: expected the URL of a listener, got ${quoted(text)}`)
    } else if (flag === "--timeout") {
      const text = value()
      const parsed = milliseconds(text)
      if (parsed === undefined) {
        problems.push(`--timeout: expected a duration such as 500ms or 3s, got ${JSON.stringify(text)}`)
      } else limit = parsed
    } else {
      problems.push(`${flag}: expected --target, --timeout, --json or --help`)
    }
  }
  const address = (host: string, port: string, fallback: string) => {
    const url = addressOf(env[host]?.trim(), env[port]?.trim() || fallback)
    if (!isUrl(url)) problems.push(`${url} is no URL of a listener: set ${host} and ${port}, or --target`)
    return url
  }
  const targets = target === undefined
    ? [address("HOST", "PORT", ports.service), address("ADMIN_HOST", "ADMIN_PORT", ports.admin)]
    : [target]
  if (problems.length > 0) return { problems }
  return {
    targets,
    timeout: limit,
    json
  }
}

type Document = Readonly<Record<string, unknown>>

const documentOf = (answer: Answer | undefined): Document | undefined => {
  if (answer === undefined || "failure" in answer) return undefined
  try {
    const value: unknown = JSON.parse(answer.body)
    return typeof value === "object" && value !== null ? value as Document : undefined
  } catch {
    return undefined
  }
}

const reasons = (document: Document | undefined): ReadonlyArray<string> =>
  Object.entries(document?.["checks"] ?? {}).flatMap(([name, reports]) =>
    (Array.isArray(reports) ? reports as ReadonlyArray<Document> : [])
      .filter(({ status }) => status !== "pass")
      .map(({ output, status }) => `${name} ${text(status)}${output === undefined ? "" : ` (${text(output)})`}`)
  )

const text = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value) ?? ""

// oxlint-disable-next-line no-control-regex -- what a check says must neither break the line nor steer a terminal
const oneLine = (line: string): string => line.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, " ")

/**
 * What the answers come to: the first decides, the last one that has checks says why.
 *
 * @category conversions
 * @since 1.1.0
 */
export const judge = (probe: Probe, answers: ReadonlyArray<Answer>): Verdict => {
  const [answer] = answers
  const target = probe.targets[0] ?? ""
  const document = documentOf(answer)
  const full = answers.map(documentOf).findLast((found) => found?.["checks"] !== undefined)
  const status = document?.["status"]
  const known = status === "pass" || status === "warn" || status === "fail"
  if (answer === undefined || "failure" in answer || !known) {
    const output = answer === undefined || "failure" in answer
      ? `${target} gave no answer: ${answer?.failure ?? "it was not asked"}`
      : `${target}/health answered ${answer.status}, not with a health document`
    return {
      text: probe.json ? JSON.stringify({ status: "fail", output }) : oneLine(`fail: ${output}`),
      exitCode: 1
    }
  }
  const why = reasons(full)
  return {
    text: probe.json
      ? JSON.stringify({ ...full, ...document })
      : oneLine(
        [status, full?.["serviceId"], document?.["releaseId"]].filter((part) => part !== undefined).map(text).join(
          " "
        ) +
          (why.length === 0 ? "" : `: ${why.join("; ")}`)
      ),
    exitCode: status === "fail" ? 1 : 0
  }
}
