import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { hostname } from "node:os"
import { Environment } from "../services/Environment.ts"

/**
 * Off AWS: the host name and process id identify the instance; no network is touched.
 *
 * @category layers
 * @since 1.1.0
 */
export const layerLocal: Layer.Layer<Environment> = Layer.effect(
  Environment,
  Effect.sync(() => ({ kind: "local", instance: `${hostname()}/${process.pid}` }) as const)
)
