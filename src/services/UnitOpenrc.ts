import { type Entry, heading, title, type Unit } from "./Unit.ts"

/**
 * The service script for OpenRC with its supervisor, and the link that starts it with the machine.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = (unit: Unit): ReadonlyArray<Entry> => [
  { kind: "file", path: `/etc/init.d/${unit.name}`, mode: 0o755, text: text(unit) },
  { kind: "link", path: `/etc/runlevels/default/${unit.name}`, to: `/etc/init.d/${unit.name}` }
]

/**
 * Every path that a unit of this name may have.
 *
 * @category rendering
 * @since 1.1.0
 */
export const paths = (name: string): ReadonlyArray<string> => [
  `/etc/runlevels/default/${name}`,
  `/etc/init.d/${name}`
]

const single = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const text = (unit: Unit): string => {
  const { environment, flags, name, program, readyFlags, user } = unit
  const variables: Array<string> = []
  // OpenRC splits and globs these texts before it evaluates them: what is not plain goes through a variable.
  const word = (text: string): string => {
    if (/^[\w/.:=,@+-]+$/.test(text)) return text
    variables.push(`word${variables.length + 1}=${single(text)}`)
    return `"$word${variables.length}"`
  }
  const [command = "", ...args] = [...program, "serve", ...flags].map(word)
  const ready = [...program, "wait-ready", ...readyFlags].map(single).join(" ")
  return [
    "#!/sbin/openrc-run",
    ...heading(unit, `To add to it: /etc/conf.d/${name}`),
    "# shellcheck shell=sh disable=SC2016,SC2034",
    "",
    `description=${single(title(unit))}`,
    "supervisor=supervise-daemon",
    ...variables,
    `command=${single(command)}`,
    `command_args=${single(args.join(" "))}`,
    ...(user === undefined ? [] : [`command_user=${user}`]),
    `retry=TERM/${unit.stopSeconds}/KILL/5`,
    "respawn_delay=5",
    "respawn_max=0",
    "rc_ulimit='-c 0 -n 65536'",
    "umask=0077",
    "no_new_privs=yes",
    ...Object.entries(environment).map(([name, value]) => `export ${name}=${single(value)}`),
    "",
    "depend() {",
    "  need net",
    "  after firewall",
    "}",
    "",
    "start_post() {",
    `  ${ready}`,
    "}",
    ""
  ].join("\n")
}
