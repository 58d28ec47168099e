import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A machine that systemd runs: this one's files, its own changes to them, the network of this one. */
export interface Machine {
  readonly root: string
  /** Where the node of these tests is on the machine. */
  readonly node: string
  readonly install: (file: string, path: string) => void
  readonly run: (...command: ReadonlyArray<string>) => Promise<Result>
  readonly end: () => Promise<void>
}

const has = (command: string) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0

export const bootable = process.getuid?.() === 0 && ["systemd-nspawn", "nsenter", "systemctl"].every(has)

/** Waits for a condition, however long it takes: the test's own timeout ends it. */
export const until = async <A>(condition: () => Promise<A | undefined> | A | undefined): Promise<A> => {
  while (true) {
    const found = await condition()
    if (found !== undefined && found !== false) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const execute = (command: string, args: ReadonlyArray<string>): Promise<Result> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (data) => stdout += String(data))
    child.stderr.on("data", (data) => stderr += String(data))
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })

export const boot = async (): Promise<Machine> => {
  const base = mkdtempSync(join(tmpdir(), "keelson-machine-"))
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", base])
  const root = join(base, "root")
  for (const name of ["upper", "work", "root"]) mkdirSync(join(base, name))
  const layers = `lowerdir=/,upperdir=${join(base, "upper")},workdir=${join(base, "work")}`
  execFileSync("mount", ["-t", "overlay", "overlay", "-o", layers, root])
  writeFileSync(join(root, "etc/machine-id"), "")
  const node = "/opt/keelson-node"
  writeFileSync(join(root, node), "", { mode: 0o755 })

  const output: Array<string> = []
  const container: ChildProcess = spawn("systemd-nspawn", [
    `--directory=${root}`,
    `--bind-ro=${process.execPath}:${node}`,
    `--machine=keelson-${process.pid}`,
    "--register=no",
    "--keep-unit",
    "--console=pipe",
    "--boot",
    "systemd.unit=basic.target"
  ], { stdio: ["ignore", "pipe", "pipe"] })
  container.stdout?.on("data", (data) => output.push(String(data)))
  container.stderr?.on("data", (data) => output.push(String(data)))
  let ended = false
  const exit = new Promise<void>((resolve) =>
    container.on("close", () => {
      ended = true
      resolve()
    })
  )
  const child = () => readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, "utf8").trim()
  const leader = await until(() => {
    if (ended) throw new Error(`the machine did not boot:\n${output.join("")}`)
    return child() || undefined
  })
  const run: Machine["run"] = (...command) =>
    execute("nsenter", ["--target", leader, "--mount", "--uts", "--ipc", "--pid", "--", ...command])
  await until(async () => {
    if (ended) throw new Error(`the machine did not boot:\n${output.join("")}`)
    return /running|degraded/.test((await run("systemctl", "is-system-running")).stdout) || undefined
  })
  return {
    root,
    node,
    run,
    install: (file, path) => {
      mkdirSync(join(root, dirname(path)), { recursive: true })
      copyFileSync(file, join(root, path))
    },
    end: async () => {
      if (!ended) process.kill(Number(leader), "SIGKILL")
      await exit
      for (const directory of [root, base]) execFileSync("umount", ["--lazy", directory])
      if (existsSync(base)) rmdirSync(base)
    }
  }
}
