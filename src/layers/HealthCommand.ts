import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { ports, timeout } from "../services/HealthProbe.ts"
import { run } from "./HealthProbe.ts"

/**
 * The command `health` as the help lists it; `HealthProbe` runs it without all of this.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (args: ReadonlyArray<string>) =>
  Command.make("health", {
    target: Flag.String("target").pipe(
      Flag.withDescription(
        `URL of a listener; by default this machine's, by HOST and PORT (${ports.service}), ADMIN_HOST and ADMIN_PORT (${ports.admin})`
      ),
      Flag.optional
    ),
    timeout: Flag.String("timeout").pipe(
      Flag.withDescription("how long the answer may take"),
      Flag.withDefault(`${timeout / 1000}s`)
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("print the health document"), Flag.withDefault(false))
  }, () => Effect.sync(() => run(args.slice(1)))).pipe(
    Command.withDescription("one line on the health of a running service; exit code 0 for pass and warn, else 1")
  )
