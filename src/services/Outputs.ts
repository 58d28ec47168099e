import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"

/**
 * An output of the stack whose value is another, or that is new.
 *
 * @category models
 * @since 1.1.0
 */
export interface OutputChange {
  readonly name: string
  readonly before: string | undefined
  readonly value: string
}

/**
 * The outputs of the service's CloudFormation stack: what they are now, and every change from when one begins to listen.
 *
 * **Details**
 *
 * `Config` reads the current values too. An output that vanished keeps the last value it had.
 *
 * @category services
 * @since 1.1.0
 */
export class Outputs extends Context.Service<Outputs, {
  readonly current: () => Readonly<Record<string, string>>
  readonly changes: Stream.Stream<OutputChange>
}>()("keelson/services/Outputs") {}

/**
 * What a new look at the outputs changes: `live` gets the new values, and keeps those that vanished.
 *
 * @category combinators
 * @since 1.1.0
 */
export const merge = (
  live: Record<string, string>,
  found: Readonly<Record<string, string>>
): { readonly changes: ReadonlyArray<OutputChange>; readonly vanished: ReadonlyArray<string> } => {
  const changes = Object.entries(found)
    .filter(([name, value]) => live[name] !== value)
    .map(([name, value]) => ({ name, before: live[name], value }))
  const vanished = Object.keys(live).filter((name) => !Object.hasOwn(found, name))
  Object.assign(live, found)
  return { changes, vanished }
}

/**
 * Outputs that a test changes with {@link OutputsMemory}.
 *
 * @category testing
 * @since 1.1.0
 */
export class OutputsMemory extends Context.Service<OutputsMemory, {
  readonly set: (outputs: Readonly<Record<string, string>>) => Effect.Effect<void>
}>()("keelson/services/Outputs/OutputsMemory") {}

/**
 * No stack: there are only the outputs that a test sets.
 *
 * @category testing
 * @since 1.1.0
 */
export const layerMemory: Layer.Layer<Outputs | OutputsMemory> = Layer.effectContext(Effect.gen(function*() {
  const live: Record<string, string> = {}
  const pubsub = yield* PubSub.unbounded<OutputChange>()
  return Context.make(Outputs, { current: () => live, changes: Stream.fromPubSub(pubsub) }).pipe(
    Context.add(OutputsMemory, {
      set: (outputs) => Effect.asVoid(PubSub.publishAll(pubsub, merge(live, outputs).changes))
    })
  )
}))
