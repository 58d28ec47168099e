import * as Effect from "effect/Effect"
import type { Format, Unit } from "../services/Unit.ts"
import { InitError, reasonOf } from "./InitError.ts"
import * as Systemd from "./Systemd.ts"
import type { Change } from "./UnitFiles.ts"

/**
 * What starts, or stops, a service that is installed: for people, where `init` does not do it.
 *
 * @category rendering
 * @since 1.1.0
 */
export const commands = (
  { format, uninstall }: { readonly format: Format; readonly uninstall: boolean },
  { name, socket }: Pick<Unit, "name" | "socket">
): ReadonlyArray<string> => {
  const units = socket === undefined ? name : `${name}.socket ${name}`
  switch (format) {
    case "systemd":
      return uninstall
        ? [`systemctl stop ${name}`, "systemctl daemon-reload"]
        : ["systemctl daemon-reload", `systemctl restart ${units}`]
    case "upstart":
      return [uninstall ? `stop ${name}` : `start ${name}`]
    case "openrc":
      return [`rc-service ${name} ${uninstall ? "stop" : "restart"}`]
  }
}

/**
 * Starts a service through systemd, again if its unit has changed, and waits until it is ready. Fails with the end of
 * its journal.
 *
 * @category running
 * @since 1.1.0
 */
export const start = (
  { name, socket }: Unit,
  changed: boolean,
  say: (line: string) => Effect.Effect<unknown>
): Effect.Effect<void, InitError> =>
  Effect.gen(function*() {
    const service = `${name}.service`
    const { active, stale } = yield* control(() => Systemd.state(service))
    if (changed || stale) yield* reload
    if (socket !== undefined) yield* control(() => Systemd.systemctl("start", `${name}.socket`))
    if (active && !changed && !stale) {
      return yield* Effect.asVoid(say(`nothing to change: ${name} is installed and runs`))
    }
    yield* control(() => Systemd.systemctl("restart", service)).pipe(
      Effect.catch(({ exitCode, message }) =>
        Effect.flatMap(Effect.promise(() => Systemd.journal(service)), (lines) =>
          Effect.fail(
            new InitError({ message: `${name} did not become ready: ${message}\n${lines.trim()}`, exitCode })
          ))
      )
    )
    yield* say(`${active ? "restarted" : "started"} ${name}: it is ready`)
  })

/**
 * Stops a service, and first of all a socket that changes: systemd replaces none while it is in use.
 *
 * @category running
 * @since 1.1.0
 */
export const stop = ({ name }: Unit, changes: ReadonlyArray<Change>): Effect.Effect<void> => {
  const socket = changes.some(({ path }) => path.endsWith(".socket")) ? [`${name}.socket`] : []
  // One that is new is not known yet.
  return Effect.ignore(control(() => Systemd.systemctl("stop", ...socket, `${name}.service`)))
}

/**
 * Makes systemd read its files again.
 *
 * @category running
 * @since 1.1.0
 */
export const reload: Effect.Effect<void, InitError> = Effect.suspend(() =>
  Effect.asVoid(control(() => Systemd.systemctl("daemon-reload")))
)

const control = <A>(command: () => Promise<A>): Effect.Effect<A, InitError> =>
  Effect.tryPromise({
    try: command,
    catch: (error) => new InitError({ message: reasonOf(error), exitCode: 1 })
  })
