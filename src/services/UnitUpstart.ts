import { type Entry, heading, title, type Unit } from "./Unit.ts"

/**
 * The job for Upstart 1.4 and later (init(5)); Upstart needs no link to start it with the machine.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = (unit: Unit): ReadonlyArray<Entry> => [
  { kind: "file", path: `/etc/init/${unit.name}.conf`, mode: 0o644, text: text(unit) }
]

/**
 * Every path that a unit of this name may have.
 *
 * @category rendering
 * @since 1.1.0
 */
export const paths = (name: string): ReadonlyArray<string> => [`/etc/init/${name}.conf`]

// A backslash within double quotes means the same to Upstart, which only looks for the end, as to the shell it calls.
const shellWord = (text: string): string =>
  /^[\w/.:=,@+-]+$/.test(text) ? text : `"${text.replaceAll(/[\\"$`]/g, "\\$&")}"`

// Upstart reads these words itself and calls no shell.
const word = (text: string): string => `"${text.replaceAll(/[\\"]/g, "\\$&")}"`

const commandLine = (words: ReadonlyArray<string>): string => words.map(shellWord).join(" ")

const text = (unit: Unit): string => {
  const { environment, flags, name, program, readyFlags, user } = unit
  return [
    ...heading(unit, `To add to it: /etc/init/${name}.override`),
    "",
    `description ${word(title(unit))}`,
    "",
    "start on runlevel [2345]",
    "stop on runlevel [!2345]",
    "",
    "respawn",
    "respawn limit 10 60",
    `kill timeout ${unit.stopSeconds}`,
    ...(user === undefined ? [] : [`setuid ${user}`]),
    "umask 0077",
    "limit core 0 0",
    "limit nofile 65536 65536",
    "console log",
    ...Object.entries(environment).map(([name, value]) => `env ${word(`${name}=${value}`)}`),
    "",
    `exec ${commandLine([...program, "serve", ...flags])}`,
    `post-start exec ${commandLine([...program, "wait-ready", ...readyFlags])}`,
    ""
  ].join("\n")
}
