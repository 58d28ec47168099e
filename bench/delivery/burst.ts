import { table } from "./markdown.ts"
import { attempt, type Part } from "./part.ts"
import { run } from "./trial.ts"

const header = ["subject", "lost", "twice", "s to deliver", "s to close", "µs/log call", "RSS MB", "says"]

// No multiple of a batch: LogTape would have nothing left to wait for, see README.md.
const count = { quick: 30_001, full: 100_001 }

/** Lines in one tick, `close`, and the end of the process. */
export const burst: Part = async (subjects, options) => {
  const lines = options.quick ? count.quick : count.full
  const rows: Array<Array<string>> = []
  for (const subject of subjects) {
    options.report(`burst: ${subject.name}`)
    const plan = { kind: "burst", text: "plain", lines, closeWithin: 60_000 } as const
    const result = await attempt(subject, options, () => run(subject, plan))
    if (result === undefined) {
      rows.push([subject.name])
      continue
    }
    const { lost, outcome, report, seconds, twice } = result
    rows.push([
      subject.name,
      String(lost),
      String(twice),
      report.unique === 0 ? "never" : seconds.toFixed(2),
      outcome.closed ? (outcome.closing / 1000).toFixed(2) : "not in 60",
      outcome.perCall.toFixed(2),
      (outcome.rss / 1e6).toFixed(0),
      outcome.said
    ])
  }
  return `Burst: ${lines} lines of 200 bytes in one tick, then close and exit.\n\n${table([header, ...rows])}`
}
