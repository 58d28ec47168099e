import { align } from "../table.ts"
import { header, ratio, row } from "./block.ts"
import { type Options, type Service, start } from "./service.ts"

const captures = 5

/**
 * What captures leave behind: three services in turn, forwards and backwards; then the second is profiled, and they have
 * their turns again. What it is over the first afterwards, over what it was before. The third is never profiled: the
 * control.
 */
export const idle = async (blocks: number, options: Options): Promise<string> => {
  const services: Array<Service> = []
  try {
    while (services.length < 3) services.push(await start(options))
    const others = services.slice(1)
    const measure = async () => {
      const found = others.map((): Array<number | undefined> => [])
      for (let block = 0; block < blocks; block++) {
        const [first = Number.NaN, ...there] = await inTurn(services)
        const [last = Number.NaN, ...back] = (await inTurn(services.toReversed())).reverse()
        found.forEach((ratios, index) => {
          const inner = ((there[index] ?? Number.NaN) + (back[index] ?? Number.NaN)) / 2
          ratios.push(ratio({ outer: [first, last], inner }))
        })
      }
      return found
    }
    const before = await measure()
    for (let count = 0; count < captures; count++) await others[0]?.segment("profile")
    const after = await measure()
    return align([
      ["× before, after", ...header],
      ...[`${captures} CPU profiles`, "nothing (control)"].map((name, index) => [
        name,
        ...row(quotients(after[index] ?? [], before[index] ?? []))
      ])
    ])
  } finally {
    for (const service of services) service.stop()
  }
}

const inTurn = async (services: ReadonlyArray<Service>) => {
  const costs: Array<number> = []
  for (const service of services) costs.push(await service.segment())
  return costs
}

const quotients = (after: ReadonlyArray<number | undefined>, before: ReadonlyArray<number | undefined>) => {
  const whole = before.filter((value) => value !== undefined)
  return after.filter((value) => value !== undefined).slice(0, whole.length).map((value, index) =>
    value / (whole[index] ?? Number.NaN)
  )
}
