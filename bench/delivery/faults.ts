import type { Endpoint } from "./endpoint.ts"
import type { Text } from "./lines.ts"
import { table } from "./markdown.ts"
import type { Mode } from "./messages.ts"
import { attempt, type Part } from "./part.ts"
import { type Result, run } from "./trial.ts"

interface Fault {
  readonly name: string
  readonly text: Text
  /** What the server does from when on, in parts of the run. */
  readonly course: ReadonlyArray<readonly [at: number, mode: Mode]>
}

const faults: ReadonlyArray<Fault> = [
  { name: "500 for half of the run", text: "plain", course: [[0.25, "500"], [0.75, "ok"]] },
  { name: "stream deleted", text: "plain", course: [[0.5, "missing"]] },
  { name: "multibyte", text: "multibyte", course: [] },
  { name: "outage until the end", text: "plain", course: [[0.5, "refuse"]] }
]

const perSecond = 2_000
const closeWithin = 20_000

const header = ["fault", "subject", "lost", "twice", "s to close", "says"]

const says = ({ outcome, report }: Result) =>
  report.others === 0 ? outcome.said : `${outcome.said}; ${report.others} events of its own`

/** Lines by the clock under each fault, `close`, and the end of the process. All faults of a subject at once. */
export const runFaults: Part = async (subjects, options) => {
  const seconds = options.quick ? 4 : 8
  const lines = perSecond * seconds
  const follow = (course: Fault["course"]) => (endpoint: Endpoint) => {
    for (const [at, mode] of course) setTimeout(() => void endpoint.tell({ mode }), at * seconds * 1000)
  }
  const rows: Array<Array<string>> = []
  for (const subject of subjects.filter(({ bare }) => !bare)) {
    options.report(`faults: ${subject.name}`)
    rows.push(
      ...await Promise.all(faults.map(async ({ course, name, text }) => {
        const plan = { kind: "steady", text, lines, perSecond, closeWithin } as const
        const result = await attempt(subject, options, () => run(subject, plan, { began: follow(course) }))
        if (result === undefined) return [name, subject.name]
        const { lost, outcome, twice } = result
        return [
          name,
          subject.name,
          String(lost),
          String(twice),
          outcome.closed ? (outcome.closing / 1000).toFixed(1) : "not in 20",
          says(result)
        ]
      }))
    )
  }
  const order = faults.flatMap(({ name }) => rows.filter(([fault]) => fault === name))
  return `Faults: ${perSecond} lines/s for ${seconds} s, then close and exit.\n\n${table([header, ...order])}`
}
