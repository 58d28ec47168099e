import { table } from "./markdown.ts"
import { attempt, type Part } from "./part.ts"
import { run } from "./trial.ts"

const perSecond = 20_000

const header = ["subject", "loop p99 ms", "CPU µs/event", "µs/log call", "RSS MB", "lost", "twice"]

/** Lines by the clock, as many as a busy service logs: what they take of the event loop. */
export const steady: Part = async (subjects, options) => {
  const seconds = options.quick ? 4 : 15
  const lines = perSecond * seconds
  const rows: Array<Array<string>> = []
  for (const subject of subjects) {
    options.report(`steady: ${subject.name}`)
    const plan = { kind: "steady", text: "plain", lines, perSecond, closeWithin: 60_000 } as const
    const result = await attempt(subject, options, () => run(subject, plan))
    if (result === undefined) {
      rows.push([subject.name])
      continue
    }
    const { lost, outcome, twice } = result
    rows.push([
      subject.name,
      outcome.p99.toFixed(1),
      (outcome.cpu / lines).toFixed(2),
      outcome.perCall.toFixed(2),
      (outcome.rss / 1e6).toFixed(0),
      String(lost),
      String(twice)
    ])
  }
  return `Steady: ${perSecond} lines/s of 200 bytes for ${seconds} s.\n\n${table([header, ...rows])}`
}
