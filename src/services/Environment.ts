import * as Context from "effect/Context"
import * as Layer from "effect/Layer"

/**
 * Where the process runs: off AWS (`local`), on an EC2 instance or in an ECS task.
 *
 * @category models
 * @since 1.1.0
 */
export type Kind = "local" | "ec2" | "ecs"

/**
 * The place this process runs in.
 *
 * `instance` tells this process from its siblings: the host name and the process id when local. `region` is AWS's where
 * it is known.
 *
 * @category services
 * @since 1.1.0
 */
export class Environment extends Context.Service<Environment, {
  readonly kind: Kind
  readonly instance: string
  readonly region?: string | undefined
}>()("keelson/services/Environment") {}

/**
 * A fixed environment, for tests.
 *
 * @category testing
 * @since 1.1.0
 */
export const layerMemory: Layer.Layer<Environment> = Layer.succeed(Environment, { kind: "local", instance: "memory" })
