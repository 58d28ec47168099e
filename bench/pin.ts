import { spawnSync } from "node:child_process"

/** A command line. */
export type CommandLine = readonly [command: string, args: ReadonlyArray<string>]

/** The command line bound to one CPU, or as it is. */
export const pin = (cpu: number | undefined, [command, args]: CommandLine): CommandLine =>
  cpu === undefined ? [command, args] : ["taskset", ["-c", String(cpu), command, ...args]]

/** Whether this system can bind a process to that CPU. */
export const canPin = (cpu: number): boolean => {
  const [command, args] = pin(cpu, ["true", []])
  return spawnSync(command, args).status === 0
}
