/** Preloaded into each subject (`--import`): answers the harness with what the process has used so far. */
process.on("message", async (message) => {
  if (message === "collect") await collect()
  const { system, user } = process.cpuUsage()
  process.send?.({ cpu: user + system, rss: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed })
})

const collect = async () => {
  const { setFlagsFromString } = await import("node:v8")
  const { runInNewContext } = await import("node:vm")
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
}

// Without a harness: now, because exit hooks may wait for a reader of standard output.
const end = () => process.kill(process.pid, "SIGKILL")

process.on("disconnect", end)
if (!process.connected) end()
process.channel?.unref()
