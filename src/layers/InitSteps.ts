import * as Effect from "effect/Effect"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import { ServiceName } from "../services/BuildInfo.ts"
import { type InitStep, InitTarget } from "../services/InitStep.ts"
import { InitError, reasonOf } from "./InitError.ts"
import * as Microservice from "./Microservice.ts"
import { discover } from "./Settings.ts"

/**
 * One step to run: its name and the layer that does it.
 *
 * @category models
 * @since 1.1.0
 */
export interface Step {
  readonly name: string
  readonly layer: InitStep<Microservice.Microservice>["apply"]
}

/**
 * The steps of an app in their order, or what undoes them in the opposite one.
 *
 * @category constructors
 * @since 1.1.0
 */
export const stepsOf = (
  init: Readonly<Record<string, InitStep<Microservice.Microservice>>>,
  direction: "apply" | "undo"
): ReadonlyArray<Step> => {
  const steps = Object.entries(init).flatMap(([name, step]) => {
    const layer = step[direction]
    return layer === undefined ? [] : [{ name, layer }]
  })
  return direction === "apply" ? steps : steps.reverse()
}

/**
 * Runs steps one after the other, with the runtime and the settings that the service will have; ends at the first that
 * fails.
 *
 * @category running
 * @since 1.1.0
 */
export const run = <Id extends string, Groups extends HttpApiGroup.Constraint, E>(
  definition: Microservice.Definition<Id, Groups, E>,
  options: {
    readonly steps: ReadonlyArray<Step>
    readonly flags: Readonly<Record<string, string | undefined>>
    readonly environment: Readonly<Record<string, string>>
    readonly target: typeof InitTarget.Service
    readonly done: (step: string) => Effect.Effect<unknown>
  }
) =>
  options.steps.length === 0 ? Effect.void : Effect.gen(function*() {
    // The steps' AWS clients look there too.
    Object.assign(process.env, options.environment)
    const discovered = yield* discover(options.flags, definition.settings)
    const context = yield* Layer.build(
      Microservice.layerLive(discovered, { logsTo: "stderr" }).pipe(
        Layer.provideMerge(Layer.succeed(ServiceName, definition.name)),
        Layer.provideMerge(Layer.succeed(InitTarget, options.target))
      )
    )
    for (const { layer, name } of options.steps) {
      yield* Effect.scoped(Layer.build(layer)).pipe(
        Effect.provideContext(context),
        Effect.mapError((error) =>
          new InitError({
            message: `step ${JSON.stringify(name)} failed: ${reasonOf(error)}`,
            exitCode: Predicate.hasProperty(error, Runtime.errorExitCode) ? Number(error[Runtime.errorExitCode]) : 1
          })
        )
      )
      yield* options.done(name)
    }
  }).pipe(Effect.scoped)
