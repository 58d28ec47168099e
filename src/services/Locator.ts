import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/**
 * A service that nobody knows the address of; the message has every source tried, and why it had none.
 *
 * @category errors
 * @since 1.1.0
 */
export class LocatorError extends Schema.TaggedError<LocatorError>()("LocatorError", {
  service: Schema.String,
  message: Schema.String
}) {}

/**
 * Finds other services by name: an address such as `http://10.0.0.1:8080`, another one each time where there are
 * several.
 *
 * @category services
 * @since 1.1.0
 */
export class Locator extends Context.Service<Locator, {
  readonly locate: (service: string) => Effect.Effect<string, LocatorError>
}>()("keelson/services/Locator") {}

/**
 * Fixed addresses, for tests.
 *
 * @category testing
 * @since 1.1.0
 */
export const layerMemory = (addresses: Readonly<Record<string, string>>): Layer.Layer<Locator> =>
  Layer.succeed(Locator, {
    locate: (service) => {
      const address = addresses[service]
      return address === undefined
        ? Effect.fail(new LocatorError({ service, message: `the test has no address of ${service}` }))
        : Effect.succeed(address)
    }
  })
