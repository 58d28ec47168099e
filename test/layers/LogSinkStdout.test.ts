import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "vitest"
import { isTemporary } from "../../src/layers/LogSinkStdout.ts"

const fixture = join(import.meta.dirname, "../fixtures/log-sink.ts")

const start = (args: ReadonlyArray<string>, stdout: "pipe" | number = "pipe") =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [fixture, ...args], { stdio: ["ignore", stdout, "pipe"] })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** Through a shell, so that standard output is a real pipe; Node gives its children socket pairs. */
const startPiped = (args: ReadonlyArray<string>, reader: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn("/bin/sh", ["-c", `("$0" "$@"; echo exited $? >&2) | ${reader}`, process.execPath, fixture, ...args], {
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const collect = (stream: NodeJS.ReadableStream | null) =>
  Effect.callback<string>((resume) => {
    let text = ""
    stream?.setEncoding("utf8")
    stream?.on("data", (part: string) => text += part)
    stream?.on("end", () => resume(Effect.succeed(text)))
  })

const exitOf = (child: ChildProcess) =>
  Effect.callback<number | null>((resume) => {
    child.on("exit", (code) => resume(Effect.succeed(code)))
  })

const said = (child: ChildProcess, pattern: RegExp) =>
  Effect.callback<string>((resume) => {
    let text = ""
    child.stderr?.setEncoding("utf8")
    child.stderr?.on("data", (part: string) => {
      text += part
      const match = pattern.exec(text)
      if (match !== null) resume(Effect.succeed(match[1] ?? match[0]))
    })
  })

const outcome = (child: ChildProcess) =>
  Effect.all({ stdout: collect(child.stdout), stderr: collect(child.stderr), code: exitOf(child) }, {
    concurrency: "unbounded"
  })

const parse = (stdout: string) => {
  assert.isTrue(stdout.endsWith("\n"), "the last line is whole")
  return stdout.slice(0, -1).split("\n").map((line) => JSON.parse(line) as Record<string, unknown>)
}

const assertSequence = (stdout: string, count: number) => {
  const lines = parse(stdout)
  assert.strictEqual(lines.length, count)
  const wrong = lines.findIndex(({ n }, index) => n !== index)
  assert.strictEqual(wrong, -1, "every line is there once, in order")
}

describe("LogSinkStdout", () => {
  it.live("delivers a burst of 100,000 lines to a pipe, in order", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* outcome(yield* startPiped(["burst"], "cat"))
      assert.strictEqual(stderr, "closed\nexited 0\n")
      assert.strictEqual(code, 0)
      assertSequence(stdout, 100_000)
    }))

  it.live("delivers a burst of 100,000 lines to a socket, in order", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* outcome(yield* start(["burst"]))
      assert.strictEqual(code, 0)
      assertSequence(stdout, 100_000)
    }))

  it.live("delivers a burst of 100,000 lines to a file, in order", () =>
    Effect.gen(function*() {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "keelson-"))),
        (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
      )
      const path = join(directory, "log")
      const fd = yield* Effect.acquireRelease(
        Effect.sync(() => openSync(path, "w")),
        (fd) => Effect.sync(() => closeSync(fd))
      )
      assert.strictEqual(yield* exitOf(yield* start(["burst"], fd)), 0)
      assertSequence(readFileSync(path, "utf8"), 100_000)
    }))

  it.live("writes a single line without waiting for more", () =>
    Effect.gen(function*() {
      const child = yield* start(["idle"])
      const line = yield* Effect.callback<string>((resume) => {
        child.stdout?.once("data", (part: Buffer) => resume(Effect.succeed(part.toString())))
      })
      assert.strictEqual(parse(line)[0]?.["message"], "alone")
    }))

  it.live("flush completes when everything offered before is written", () =>
    Effect.gen(function*() {
      const child = yield* start(["flush"])
      const stdout = collect(child.stdout)
      yield* said(child, /flushed/)
      child.kill("SIGKILL")
      assertSequence(yield* stdout, 10)
    }))

  it.live("loses nothing when the process exits right after logging", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* outcome(yield* start(["exit"]))
      assert.strictEqual(code, 3)
      assertSequence(stdout, 5_000)
    }))

  it.live("loses nothing when an uncaught exception follows the logging", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* outcome(yield* start(["crash"]))
      assert.strictEqual(code, 1)
      assert.include(stderr, "uncaught")
      assertSequence(stdout, 5_000)
    }))

  it.live("neither loses nor repeats lines when the process exits while the reader is behind", () =>
    Effect.gen(function*() {
      const { stdout } = yield* outcome(yield* startPiped(["exitDuringBackpressure"], "(sleep 0.5; cat)"))
      const lines = parse(stdout)
      assert.strictEqual(lines.length, 20_000)
      assert.strictEqual(lines.findIndex(({ n }, index) => n !== index % 10_000), -1)
    }))

  it.live("writes what is logged while the process leaves by itself", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* outcome(yield* start(["natural"]))
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(parse(stdout).map(({ message }) => message), ["first", "from an exit hook"])
    }))

  it.live("keeps the event loop and the exit free when a socket is never read", () =>
    Effect.gen(function*() {
      const child = yield* start(["unread"])
      const [dropped, code] = yield* Effect.all([said(child, /ticking dropped=(\d+)/), exitOf(child)], {
        concurrency: "unbounded"
      })
      assert.strictEqual(dropped, "0")
      assert.strictEqual(code, 0)
    }))

  it.live("keeps the event loop and the exit free when a pipe is never read", () =>
    Effect.gen(function*() {
      const child = yield* startPiped(["unread"], "exec sleep 5")
      assert.strictEqual(yield* said(child, /ticking dropped=0\nexited (\d+)/), "0")
    }))

  it.live("closes in bounded time when nobody reads", () =>
    Effect.gen(function*() {
      const child = yield* start(["burst"])
      yield* said(child, /closed/)
      assert.strictEqual(yield* exitOf(child), 0)
    }))

  it.live("drops above the bound, counts it, and says so in the place of the gap once it is read again", () =>
    Effect.gen(function*() {
      const child = yield* start(["resumed", "200000"])
      const dropped = Number(yield* said(child, /dropped=(\d+)/))
      assert.isAbove(dropped, 0)
      const stdout = collect(child.stdout)
      child.kill("SIGUSR2")
      const lines = parse(yield* stdout)
      const kept = 20_000 - dropped
      assert.strictEqual(lines.slice(0, kept).findIndex(({ n }, index) => n !== index), -1)
      const [notice, after, ...rest] = lines.slice(kept)
      assert.strictEqual(notice?.["level"], "WARN")
      assert.strictEqual(notice?.["message"], `dropped ${dropped} log events: stdout was not read`)
      assert.strictEqual(notice?.["dropped"], dropped)
      assert.strictEqual(after?.["message"], "after")
      assert.deepStrictEqual(rest, [])
    }))

  it.live("drops a line alone that is longer than the bound, and says so in its place", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* outcome(yield* start(["long", "100000"]))
      assert.deepStrictEqual([stderr, code], ["dropped=4\nclosed\n", 0])
      const lines = parse(stdout)
      assert.strictEqual(lines.length, 100)
      for (const [index, { dropped, n }] of lines.entries()) {
        assert.deepStrictEqual([n, dropped], index % 25 === 24 ? [undefined, 1] : [index, undefined])
      }
    }))

  it.live("drops and counts, and does not crash, when the reader is gone", () =>
    Effect.gen(function*() {
      const child = yield* start(["closed"])
      yield* Effect.callback<void>((resume) => {
        child.stdout?.once("data", () => resume(Effect.void))
      })
      yield* Effect.callback<void>((resume) => {
        child.stdout?.once("close", () => resume(Effect.void))
        child.stdout?.destroy()
      })
      child.kill("SIGUSR2")
      const [stderr, code] = yield* Effect.all([collect(child.stderr), exitOf(child)], { concurrency: "unbounded" })
      assert.strictEqual(stderr, "dropped=10\nclosed\n")
      assert.strictEqual(code, 0)
    }))

  it.live("renders for people when asked, escaping what could steer the terminal", () =>
    Effect.gen(function*() {
      const { stdout } = yield* outcome(yield* start(["pretty"]))
      assert.match(stdout, /^\d\d:\d\d:\d\d\.\d{3} ERROR bad \\x1b\[31m error=Error\n {2}Error: boom\n {6}at /)
      assert.notInclude(stdout, "\u001b")
    }))

  it("retries what may pass and nothing else", () => {
    const failed = (code: string) => Object.assign(new Error(code), { code })
    for (const code of ["EAGAIN", "EINTR", "ENOSPC"]) assert.isTrue(isTemporary(failed(code)), code)
    for (const code of ["EPIPE", "ECONNRESET", "EBADF", "EIO"]) assert.isFalse(isTemporary(failed(code)), code)
    assert.isFalse(isTemporary(undefined))
  })
})
