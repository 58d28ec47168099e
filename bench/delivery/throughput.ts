import { median, ratios } from "../statistics.ts"
import { table } from "./markdown.ts"
import { attempt, type Part } from "./part.ts"
import { base, type Subject } from "./subjects.ts"
import { type Result, run } from "./trial.ts"

const window = 20e6
const warmUp = 10_000
// Seconds a round may take; who needs more has no other.
const slow = 20

const header = [
  "subject",
  "events/s",
  "× sdk-loop",
  "CPU µs/event",
  "× sdk-loop",
  "µs/log call",
  "loop p99 ms",
  "RSS MB",
  "lost",
  "twice"
]

const events = ({ outcome, report }: Result) => report.unique - outcome.receivedBefore
const perSecond = (result: Result) => events(result) / result.seconds
const cpu = (result: Result) => result.outcome.cpu / events(result)

/** Lines as fast as the server confirms them; medians of the rounds, ratios round by round. */
export const throughput: Part = async (subjects, options) => {
  const { quick, report, rounds } = options
  const lines = quick ? 50_000 : 200_000
  const measured = subjects.includes(base) ? subjects : [base, ...subjects]
  const results = new Map<Subject, Array<Result>>(measured.map((subject) => [subject, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const subject of measured) {
      if ((results.get(subject)?.at(-1)?.seconds ?? 0) > slow) continue
      report(`throughput: ${subject.name}, round ${round} of ${rounds}`)
      const plan = { kind: "flood", text: "plain", lines, window, warmUp, closeWithin: 60_000 } as const
      const result = await attempt(subject, options, () => run(subject, plan))
      if (result !== undefined) results.get(subject)?.push(result)
    }
  }
  const reference = results.get(base) ?? []
  const row = ([{ name }, list]: readonly [Subject, ReadonlyArray<Result>]) => {
    const middle = (of: (result: Result) => number) => median(list.map(of))
    const ratio = (of: (result: Result) => number) => median(ratios(list.map(of), reference.map(of))).toFixed(2)
    return list.length === 0 ? [name] : [
      name,
      middle(perSecond).toFixed(0),
      ratio(perSecond),
      middle(cpu).toFixed(2),
      ratio(cpu),
      middle(({ outcome }) => outcome.perCall).toFixed(2),
      middle(({ outcome }) => outcome.p99).toFixed(1),
      middle(({ outcome }) => outcome.rss / 1e6).toFixed(0),
      String(Math.max(...list.map(({ lost }) => lost))),
      String(Math.max(...list.map(({ twice }) => twice)))
    ]
  }
  return `Throughput: ${lines} lines of 200 bytes, ${rounds} rounds.\n\n${table([header, ...[...results].map(row)])}`
}
