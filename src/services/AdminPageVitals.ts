import * as History from "./History.ts"
import * as Human from "./HumanFormat.ts"
import * as Points from "./Points.ts"
import * as Sparkline from "./Sparkline.ts"

interface Plot {
  readonly title: string
  readonly unit: (value: number) => string
  readonly values: (vitals: History.Vitals) => ReadonlyArray<number>
  readonly top?: number
}

const plots: ReadonlyArray<Plot> = [
  { title: "Event loop busy", unit: Human.percent, values: ({ loop }) => loop, top: 0.1 },
  { title: "Longest delay", unit: Human.latency, values: ({ delay }) => delay, top: 0.02 },
  { title: "CPU, of a core", unit: Human.percent, values: ({ cpu }) => cpu, top: 0.1 },
  { title: "Heap in use", unit: Human.bytes, values: ({ heap }) => heap },
  { title: "Resident memory", unit: Human.bytes, values: ({ rss }) => rss },
  { title: "Garbage collection", unit: Human.percent, values: ({ gc }) => gc, top: 0.05 }
]

/**
 * The process' vital signs over the last minutes: event loop, CPU, memory, garbage collection, each with a plot.
 *
 * @category rendering
 * @since 1.1.0
 */
export const vitalsSection = ({ seconds, vitals }: History.View): string =>
  `<section id="process" data-live aria-labelledby="process-h"><header><h2 id="process-h">Process</h2><p>${
    period(seconds)
  }, every ${History.intervalSeconds} seconds</p></header><div class="vitals">${
    plots.map(({ title, top, unit, values }) => figure(title, unit, values(vitals), top)).join("")
  }</div></section>`

const figure = (title: string, unit: Plot["unit"], values: ReadonlyArray<number>, top: number | undefined) => {
  const known = values.filter((value) => Number.isFinite(value))
  const last = known.at(-1)
  const greatest = Math.max(...known)
  const range = last === undefined
    ? "nothing measured yet"
    : `from ${unit(Math.min(...known))} to ${unit(greatest)}, now ${unit(last)}`
  return `<figure><figcaption>${title}<b>${last === undefined ? "–" : unit(last)}</b></figcaption>${
    Sparkline.line(values, { label: `${title}: ${range}`, top })
  }<figcaption><span>${last === undefined ? "known soon" : `max ${unit(greatest)}`}</span></figcaption></figure>`
}

/**
 * How far back the history goes, in words.
 *
 * @category rendering
 * @since 1.1.0
 */
export const period = (seconds: number): string =>
  `the last ${Human.seconds(Math.min(seconds, Points.size * History.intervalSeconds))}`
