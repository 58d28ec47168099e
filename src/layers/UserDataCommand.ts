import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { resolve } from "../services/Settings.ts"
import { StackError } from "../services/Stack.ts"
import { nameProblems } from "../services/Unit.ts"
import { type Output, write } from "./OperationCaller.ts"

const required = (name: string, description: string) => Flag.String(name).pipe(Flag.withDescription(description))

const optional = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withDefault(""))

/**
 * The command `user-data`: prints the script that boots a machine with the service.
 *
 * `settingFlags` are the flags of settings, by flag; they go to `init`.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (
  service: string,
  settingFlags: Readonly<Record<string, Flag.Flag<Option.Option<string>>>>,
  output: Output
) =>
  Command.make("user-data", {
    bucket: required("bucket", "bucket of the service's one file"),
    key: required("key", "its key there"),
    sha256: required("sha256", "its SHA-256, 64 hexadecimal digits; a file with another one is never run"),
    region: optional("region", "the bucket's Region; empty: the machine's"),
    nodePackage: optional("node-package", "package to install where there is no Node, such as nodejs24; empty: none"),
    stack: optional("signal-stack", "stack to tell how it went; empty: none"),
    resource: optional("signal-resource", "the stack's resource that waits for it"),
    settle: Flag.Int("settle").pipe(
      Flag.withDescription("seconds between ready and the signal, for a load balancer to notice"),
      Flag.withDefault(15)
    ),
    settings: settingFlags
  }, ({ settings, settle, ...values }) =>
    Effect.gen(function*() {
      const UserData = yield* Effect.promise(() => import("../services/UserData.ts"))
      const problems = [
        ...nameProblems({ name: service }, "the service's name"),
        ...Object.entries(UserData.patterns).flatMap(([name, pattern]) => {
          const value = values[name as keyof typeof values]
          return new RegExp(pattern).test(value) ? [] : [`${name} is ${JSON.stringify(value)}, expected ${pattern}`]
        }),
        ...((values.stack === "") === (values.resource === "") ?
          [] :
          ["signal-stack and signal-resource go together: the stack awaits the signal for one of its resources"]),
        ...(settle < 0 ? [`settle is ${settle}, expected seconds from 0 on`] : [])
      ]
      if (problems.length > 0) return yield* new StackError({ problems })
      const given = Object.fromEntries(
        Object.entries(settings).flatMap(([flag, text]) => Option.isSome(text) ? [[flag, text.value]] : [])
      )
      yield* Effect.fromResult(resolve({ flags: given, env: {} }))
      const flags = Object.entries(given).map(([flag, text]) => `--${flag}=${text}`)
      const script = UserData.text(UserData.boot({ service, settle, flags, ...values }))
      yield* Effect.promise(() => write(output.stdout, script))
    })).pipe(Command.withDescription("print the script that boots a machine with this service"))
