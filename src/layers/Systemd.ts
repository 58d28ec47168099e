import { execFile } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"

/**
 * A command that did not succeed, with what it said.
 *
 * @category errors
 * @since 1.1.0
 */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed"
}

/**
 * Whether systemd runs this machine (sd_booted(3)).
 *
 * @category predicates
 * @since 1.1.0
 */
export const live = (): boolean => existsSync("/run/systemd/system")

/**
 * The version of systemd that is installed, if one is.
 *
 * @category constructors
 * @since 1.1.0
 */
export const version = async (): Promise<number | undefined> => {
  try {
    return Number(/^systemd (\d+)/.exec(await run("systemctl", ["--version"]))?.[1]) || undefined
  } catch {
    return undefined
  }
}

/**
 * Runs `systemctl`; fails with what it, or the journal of the unit, said.
 *
 * @category running
 * @since 1.1.0
 */
export const systemctl = (...args: ReadonlyArray<string>): Promise<string> => run("systemctl", args)

/**
 * Whether a unit runs, and whether systemd has yet to read its files again.
 *
 * @category constructors
 * @since 1.1.0
 */
export const state = async (unit: string): Promise<{ readonly active: boolean; readonly stale: boolean }> => {
  const shown = await systemctl("show", "--property=ActiveState,NeedDaemonReload", unit)
  return { active: /^ActiveState=active$/m.test(shown), stale: /^NeedDaemonReload=yes$/m.test(shown) }
}

/**
 * The last lines of a unit's journal, or why there are none.
 *
 * @category constructors
 * @since 1.1.0
 */
export const journal = async (unit: string): Promise<string> => {
  try {
    return await run("journalctl", ["--unit", unit, "--lines=20", "--no-pager", "--output=cat"])
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * Whether a machine has an account of this name, which `DynamicUser` would take over instead of making one up
 * (systemd.exec(5)).
 *
 * @category predicates
 * @since 1.1.0
 */
export const hasAccount = (root: string, name: string): boolean => {
  try {
    return readFileSync(join(root, "/etc/passwd"), "utf8").split("\n").some((line) => line.startsWith(`${name}:`))
  } catch {
    return false
  }
}

const run = async (command: string, args: ReadonlyArray<string>): Promise<string> => {
  try {
    return (await promisify(execFile)(command, args, { encoding: "utf8" })).stdout
  } catch (error) {
    const said = (error as { readonly stderr?: string }).stderr?.trim()
    throw new CommandFailed(
      `${[command, ...args].join(" ")}: ${said || (error instanceof Error ? error.message : String(error))}`,
      { cause: error }
    )
  }
}
