import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

type Program = ReadonlyArray<string>

/** A program that runs so that what it leaves on disk is seen, or cannot be. */
interface Watched {
  /** What to run in its place. Signals reach it. */
  readonly program: Program
  /** What the program did that leaves something on disk. To be asked once, when it has ended and its output is closed. */
  readonly written: () => ReadonlyArray<string>
}

/** A way to see, or to prevent, that a program leaves something on disk. */
export type Watch = (program: Program) => Watched

const nothing = () => []

const opening = "open openat openat2 creat bind"
const changing =
  "rename renameat renameat2 unlink unlinkat mkdir mkdirat rmdir truncate ftruncate fallocate link linkat " +
  "symlink symlinkat mknod mknodat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat " +
  "futimesat setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"

// A question mark: calls that this processor has not.
const traced = `${opening} ${changing}`.split(" ").map((name) => `?${name}`).join(",")

// strace stands aside (-D), so that signals reach the program. An io_uring would pass by it: there is none.
const tracer = `strace -D -f -q --seccomp-bpf -e trace=${traced} -e inject=io_uring_setup:error=ENOSYS`.split(" ")

const leavesSomething = (line: string): boolean => {
  const [, name, args = ""] = /^\d+ +(\w+)\((.*)/.exec(line) ?? []
  if (name === undefined) return false
  if (name === "bind") return /AF_UNIX, sun_path="/.test(args)
  return !name.startsWith("open") || /O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)/.test(args)
}

/** Sees every call of every thread, failed or not, that opens a file for writing, creates, renames, removes or changes it. */
export const strace: Watch = (program) => {
  const directory = mkdtempSync(join(tmpdir(), "keelson-strace-"))
  const trace = join(directory, "trace")
  return {
    program: [...tracer, "-o", trace, "--", ...program],
    written: () => {
      const lines = readFileSync(trace, "utf8").split("\n")
      rmSync(directory, { recursive: true })
      // Its last line says how the program ended: what came before is all there was.
      return lines.at(-2)?.includes("+++") === true
        ? lines.filter(leavesSomething)
        : ["strace ended before the program"]
    }
  }
}

// What another mount hides cannot be remounted, nor written to.
const remount = `places=$(cut -d " " -f 5 /proc/self/mountinfo)
for place in $places; do mount -o remount,bind,ro "$(printf %b "$place")" 2>/dev/null; done
for place in $places; do
  if [ -w "$(printf %b "$place")" ]; then echo "$place is not read-only" >&2; exit 70; fi
done
exec "$@"`

const namespace = process.getuid?.() === 0 ? ["unshare", "--mount"] : ["unshare", "--mount", "--map-root-user"]

/** Makes everything read-only, in a mount namespace: /, /tmp, /dev/shm, /run and whatever else is mounted. */
export const readOnly: Watch = (program) => ({
  program: [...namespace, "sh", "-c", remount, "sh", ...program],
  written: nothing
})

const permitted = ["--permission", "--allow-fs-read", "--allow-inspector", "--allow-worker", "--allow-net"]
  .filter((flag) => process.allowedNodeEnvironmentFlags.has(flag))
  .map((flag) => flag === "--allow-fs-read" ? `${flag}=*` : flag)

/** Runs this Node with its permission model, and all that a service needs: to read; for profiles inspector and worker. */
export const permission: Watch = (program) => ({
  program: program[0] === process.execPath
    ? [process.execPath, ...permitted, "--disable-warning=SecurityWarning", ...program.slice(1)]
    : program,
  written: nothing
})

const watches: Readonly<Record<string, Watch>> = {
  strace,
  readOnly,
  permission,
  none: (program) => ({ program, written: nothing })
}

const choose = (name: string): Watch => {
  const watch = watches[name]
  if (watch === undefined) throw new Error(`WATCH=${name}: there is ${Object.keys(watches).join(", ")}`)
  return watch
}

/** The watch that the variable `WATCH` names, with which any test of programs is a proof. */
export const chosen: Watch = choose(process.env["WATCH"] ?? "none")

const succeeds = (command: string, ...args: Program): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0

/** What can be watched here. */
export const present = {
  strace: succeeds("strace", "-D", "-f", "--seccomp-bpf", "-o", "/dev/null", "--", "true"),
  readOnly: succeeds("unshare", ...namespace.slice(1), "true"),
  permission: process.platform === "linux"
}
