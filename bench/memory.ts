/**
 * Whether memory stays what it is under a steady load, GETs and POSTs in turn, on 16 kept connections: what is resident,
 * and the heap after garbage was collected, after a tenth of the time and at the end.
 *
 * Run with `npm run build && node bench/memory.ts [--node PATH] [--seconds N] [--rate N] [--cpu N]`. Linux only.
 */
import { connect } from "node:net"
import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { isAnswer, request } from "./greet.ts"
import { residentBytes } from "./idle.ts"
import { slope } from "./statistics.ts"
import { freePort, type Running, start } from "./subject.ts"
import { base, echoed, keelson, type Subject, subjects } from "./subjects.ts"
import { align } from "./table.ts"

const { values } = parseArgs({
  options: {
    node: { type: "string", default: process.execPath },
    seconds: { type: "string", default: "600" },
    rate: { type: "string", default: "500" },
    cpu: { type: "string" }
  }
})
const [seconds, rate] = [Number(values.seconds), Number(values.rate)]
const cpu = values.cpu === undefined ? undefined : Number(values.cpu)
const connections = 16

type Reading = readonly [second: number, mebibytes: number]

const load = ({ port, subject }: Running) => {
  const exchanges = [
    { bytes: request(port, subject.path), json: undefined },
    { bytes: request(port, subject.echo, echoed), json: echoed }
  ]
  let answered = 0
  let failure: Error | undefined
  const timers = Array.from({ length: connections }, () => {
    const socket = connect(port, "127.0.0.1")
    let turn = 0
    let text: string | undefined
    socket.on("error", (error) => {
      failure = error
    })
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      try {
        if (!isAnswer(text ?? "", exchanges[turn % 2]?.json)) return
      } catch (error) {
        failure = error as Error
      }
      text = undefined
      turn++
      answered++
    })
    return setInterval(() => {
      // Who has not answered yet is not asked again: a closed loop where the rate is too high.
      if (text !== undefined) return
      text = ""
      socket.write(exchanges[turn % 2]?.bytes ?? "")
    }, 1000 * connections / rate)
  })
  return {
    answered: () => {
      if (failure !== undefined) throw failure
      return answered
    },
    stop: () => timers.forEach(clearInterval)
  }
}

const begin = async (subject: Subject) => {
  const running = await start(subject, { node: values.node, port: await freePort(), probe: true, sink: "pipe", cpu })
  return { subject, running, load: load(running), readings: [] as Array<Reading>, heaps: [] as Array<number> }
}

const measured = []
try {
  for (const subject of [keelson, ...subjects.filter(({ name }) => name === base)]) measured.push(await begin(subject))
  const began = performance.now()
  const collectAt = [Math.ceil(seconds / 10), seconds]
  for (let second = 1; second <= seconds; second++) {
    await sleep(Math.max(0, began + second * 1000 - performance.now()))
    for (const { heaps, load, readings, running } of measured) {
      load.answered()
      readings.push([second, residentBytes(running.pid) / 2 ** 20])
      if (collectAt.includes(second)) heaps.push((await running.usage(true)).heap / 2 ** 20)
    }
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${second} of ${seconds} s`)
  }
  const marks = [1, 0.1, 0.25, 0.5, 0.75, 1].map((part, index) => index === 0 ? 1 : Math.round(seconds * part))
  console.log(align([
    ["subject", "requests", ...marks.map((mark) => `${mark} s`), "greatest", "MiB/min, last half", "heap"],
    ...measured.map(({ heaps, load, readings, subject }) => [
      subject.name,
      String(load.answered()),
      ...marks.map((mark) => readings[mark - 1]?.[1].toFixed(1) ?? ""),
      Math.max(...readings.map(([, mebibytes]) => mebibytes)).toFixed(1),
      (slope(readings.slice(readings.length >> 1)) * 60).toFixed(2),
      heaps.map((heap) => heap.toFixed(1)).join(" → ")
    ])
  ]))
} finally {
  for (const { load, running } of measured) {
    load.stop()
    await running.stop()
  }
}
process.exit()
