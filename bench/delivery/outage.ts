import { slope } from "../statistics.ts"
import { table } from "./markdown.ts"
import type { Sample } from "./messages.ts"
import { attempt, type Part } from "./part.ts"
import { keelson } from "./subjects.ts"
import { run } from "./trial.ts"

const perSecond = 10_000
const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1)

/** keelson alone while nobody listens, for as long as wanted; then the server is there, and it closes. */
export const outage: Part = async (_subjects, options) => {
  const { report, seconds } = options
  const samples: Array<Sample> = []
  const lines = perSecond * seconds
  const result = await attempt(
    keelson,
    options,
    () =>
      run(keelson, { kind: "steady", text: "long", lines, perSecond, sampleEvery: 1, closeWithin: 40_000 }, {
        before: (endpoint) => endpoint.tell({ mode: "refuse" }),
        began: (endpoint) => setTimeout(() => void endpoint.tell({ mode: "ok" }), seconds * 1000),
        sample: (sample) => {
          samples.push(sample)
          report(`outage: ${sample.seconds.toFixed(0)} of ${seconds} s, RSS ${mebibytes(sample.rss)} MiB`)
        }
      })
  )
  const showEvery = Math.min(30, seconds / 4)
  const period = ({ seconds }: Sample) => Math.floor(seconds / showEvery)
  const shown = samples.filter((sample, index) => {
    const previous = samples[index - 1]
    return previous === undefined || period(sample) > period(previous)
  })
  const lastHalf = samples.filter(({ seconds: at }) => at >= seconds / 2)
  const perMinute = (of: (sample: Sample) => number) =>
    mebibytes(slope(lastHalf.map((at) => [at.seconds, of(at)])) * 60)
  return [
    `Outage: keelson, ${perSecond} lines/s of 300 bytes for ${seconds} s.`,
    table([
      ["s", "RSS MiB", "buffered MiB"],
      ...shown.map(({ buffered, rss, seconds }) => [seconds.toFixed(0), mebibytes(rss), mebibytes(buffered)])
    ]),
    `Slope over the last half: RSS ${perMinute(({ rss }) => rss)} MiB/min, buffered ${
      perMinute(({ buffered }) => buffered)
    } MiB/min.`,
    ...result === undefined ? [] : [
      `When the server was back: closed in ${(result.outcome.closing / 1000).toFixed(1)} s, ` +
      `${result.report.unique} lines arrived, ${result.lost} lost, says ${result.outcome.said}.`
    ]
  ].join("\n\n")
}
