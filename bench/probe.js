/** Preloaded into each subject (`--import`): answers the harness with what the process has used so far. */
process.on("message", async (message) => {
  if (message === "collect") await collect()
  if (message === "profile") await profile()
  if (message === "unprofile") unprofile()
  const { system, user } = process.cpuUsage()
  process.send?.({ cpu: user + system, rss: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed })
})

const collect = async () => {
  const { setFlagsFromString } = await import("node:v8")
  const { runInNewContext } = await import("node:vm")
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
}

// What V8's profiler costs alone, at 100 Hz.
let session

const profile = async () => {
  const { Session } = await import("node:inspector")
  session = new Session()
  session.connect()
  session.post("Profiler.enable")
  session.post("Profiler.setSamplingInterval", { interval: 10_000 })
  session.post("Profiler.start")
}

const unprofile = () => session.disconnect()

// Without a harness: now, because exit hooks may wait for a reader of standard output.
const end = () => process.kill(process.pid, "SIGKILL")

process.on("disconnect", end)
if (!process.connected) end()
process.channel?.unref()
