import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Option from "effect/Option"
import { resolve } from "node:path"
import { formats } from "../services/Unit.ts"
import type * as Microservice from "./Microservice.ts"
import type { Output } from "./OperationCaller.ts"
import { optionalTexts, settingFlags } from "./SettingFlags.ts"

const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.filter((given) => given !== "", () => "one that is not empty"),
    Flag.withMetavar(metavar),
    Flag.withDescription(description)
  )

const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

/**
 * The command `init`: makes this file a service of the machine.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = <Id extends string, Groups extends HttpApiGroup.Constraint, E>(
  definition: Microservice.Definition<Id, Groups, E>,
  output: Output
) =>
  Command.make("init", {
    format: Flag.Literals("format", formats).pipe(
      Flag.withDescription("the init system the unit is for"),
      Flag.withDefault("systemd")
    ),
    name: text("name", "name", `name of the unit (default ${definition.name})`).pipe(Flag.optional),
    user: text("user", "account", "the account it runs as; without one systemd makes one up").pipe(Flag.optional),
    socket: toggle("socket", "let systemd hold the socket, so that restarts refuse no connection"),
    env: text("env", "NAME=value", "a variable for the service; NAME alone takes the value it has here").pipe(
      Flag.atLeast(0)
    ),
    readyTimeout: text("ready-timeout", "duration", "how long the start may take until it is ready").pipe(
      Flag.withDefault("60s")
    ),
    root: text("root", "directory", "an image that is being built: write there, start nothing").pipe(
      Flag.withDefault("/")
    ),
    node: text("node", "path", "the node of the unit (default the one that runs this)").pipe(Flag.optional),
    print: toggle("print", "print the unit and touch nothing"),
    dryRun: toggle("dry-run", "say what would be done and touch nothing"),
    uninstall: toggle("uninstall", "stop the service and remove what init wrote"),
    ...settingFlags
  }, ({ dryRun, env, format, name, node, print, readyTimeout, root, socket, uninstall, user, ...settings }) =>
    Effect.flatMap(
      Effect.promise(() =>
        import("./Init.ts")
      ),
      ({ run }) =>
        run(definition, {
          dryRun,
          format,
          print,
          readyTimeout,
          socket,
          uninstall,
          env: process.env,
          name: Option.getOrUndefined(name),
          node: Option.getOrUndefined(Option.map(node, (path) => resolve(path))),
          root: resolve(root),
          settings: optionalTexts(settings),
          user: Option.getOrUndefined(user),
          variables: env
        }, output)
    )).pipe(
      Command.withDescription("make this file a service of the machine: write its unit, enable it, start it")
    )
