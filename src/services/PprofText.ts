import type { Frame, Sample } from "./Pprof.ts"

const descriptions = {
  allocs: "What was allocated within a time, dead or alive. You can give the duration in the seconds GET parameter.",
  block: "Stack traces that led to blocking: always empty, nothing blocks beside the main thread's own code",
  cmdline: "The command line of this process, without the values of its arguments",
  goroutine: "Stack traces of all current fibers. Use debug=2 as a query parameter for every fiber with its age.",
  heap: "A sampling of memory allocations of live objects; garbage is collected first.",
  mutex: "Stack traces of holders of contended mutexes: always empty",
  profile: "CPU profile. You can give the duration in the seconds GET parameter. Then use the go tool pprof command.",
  threadcreate: "The threads of this process, by name"
}

/**
 * The page at `/debug/pprof/`.
 *
 * @category rendering
 * @since 1.1.0
 */
export const index = (counts: Readonly<Record<string, number>>): string =>
  `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>/debug/pprof/</title>
</head>
<body>
<h1>/debug/pprof/</h1>
<table>
<thead><tr><th>Count</th><th>Profile</th><th>Description</th></tr></thead>
${
    Object.entries(descriptions).map(([name, description]) =>
      `<tr><td>${counts[name] ?? ""}</td><td><a href="${name}${
        name === "goroutine" || name === "heap" || name === "threadcreate" ? "?debug=1" : ""
      }">${name}</a></td><td>${description}</td></tr>`
    ).join("\n")
  }
</table>
<p><a href="goroutine?debug=2">full fiber stack dump</a></p>
</body>
</html>
`

/**
 * The arguments of a process, separated by NUL as Go's are; what is after a `=`, and what follows a flag, is not shown.
 *
 * @category rendering
 * @since 1.1.0
 */
export const commandLine = (args: ReadonlyArray<string>): string =>
  args.map((arg, index) =>
    index < 2 || (index === 2 && !arg.startsWith("-"))
      ? arg
      : arg.startsWith("-")
      ? arg.replace(/=.*$/s, "=<redacted>")
      : "<redacted>"
  ).join("\0")

const addresses = () => {
  const known = new Map<string, string>()
  return ({ file, line, name }: Frame): string => {
    const key = `${name}\n${file}\n${line}`
    const address = known.get(key) ?? `0x${(0x1000 * (known.size + 1)).toString(16)}`
    known.set(key, address)
    return address
  }
}

/**
 * Text as Go's `heap?debug=1`. An address stands for a place, made up, since pprof wants one. Go's counts are of the
 * samples; these are of all that they stand for, as in the binary profile.
 *
 * @category rendering
 * @since 1.1.0
 */
export const heap = (samples: ReadonlyArray<Sample>, comments: ReadonlyArray<string> = []): string => {
  const addressOf = addresses()
  const total = (index: number) => samples.reduce((sum, { values }) => sum + (values[index] ?? 0), 0)
  const countsOf = (objects: number, bytes: number) => `${objects}: ${bytes} [${objects}: ${bytes}]`
  return [
    // Twice a rate of 1, at which pprof scales nothing: V8 has scaled already.
    `heap profile: ${countsOf(total(0), total(1))} @ heap/2`,
    ...comments.map((comment) => `# ${comment}`),
    ...[...samples].sort((a, b) => (b.values[1] ?? 0) - (a.values[1] ?? 0)).flatMap(({ stack, values }) => [
      `${countsOf(values[0] ?? 0, values[1] ?? 0)} @ ${stack.map(addressOf).join(" ")}`,
      ...stack.map((frame) => `#\t${addressOf(frame)}\t${frame.name}+0x0\t${frame.file}:${frame.line}`),
      ""
    ])
  ].join("\n") + "\n"
}

/**
 * Text as Go's `block?debug=1` and `mutex?debug=1` of a process in which nothing waited.
 *
 * @category rendering
 * @since 1.1.0
 */
export const contention = (name: "block" | "mutex"): string =>
  name === "block"
    ? "--- contention:\ncycles/second=1000000000\n"
    : "--- mutex:\ncycles/second=1000000000\nsampling period=0\n"

/**
 * Text as Go's `threadcreate?debug=1`, with the threads' names instead of stacks.
 *
 * @category rendering
 * @since 1.1.0
 */
export const threads = (names: ReadonlyArray<string>): string => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [
    `threadcreate profile: total ${names.length}`,
    ...[...counts].map(([name, count], index) => {
      const address = `0x${(0x1000 * (index + 1)).toString(16)}`
      return `${count} @ ${address}\n#\t${address}\t${name}+0x0\n`
    })
  ].join("\n")
}
