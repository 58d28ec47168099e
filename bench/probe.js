/** Preloaded into each subject (`--import`): answers the harness with what the process has used so far. */
process.on("message", () => {
  const { system, user } = process.cpuUsage()
  process.send?.({ cpu: user + system, rss: process.memoryUsage.rss() })
})

// Without a harness: now, because exit hooks may wait for a reader of standard output.
const end = () => process.kill(process.pid, "SIGKILL")

process.on("disconnect", end)
if (!process.connected) end()
process.channel?.unref()
