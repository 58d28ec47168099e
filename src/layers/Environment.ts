import * as Layer from "effect/Layer"
import { existsSync, readFileSync } from "node:fs"
import { hostname } from "node:os"
import { Environment, type Kind } from "../services/Environment.ts"

/**
 * What tells a machine of AWS from another without asking it: environment variables and files.
 *
 * @category models
 * @since 1.1.0
 */
export interface Signs {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly read: (path: string) => string | undefined
}

const ecsMetadata = ["ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI"]

/**
 * Finds out where the process runs, without any request: the ECS agent sets a variable, and an EC2 machine says so in
 * its DMI tables (Nitro) or its hypervisor's id (Xen,
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html).
 *
 * @category constructors
 * @since 1.1.0
 */
export const detect = ({ env, read }: Signs): Kind =>
  ecsMetadata.some((name) => env[name])
    ? "ecs"
    : read("/sys/class/dmi/id/sys_vendor") === "Amazon EC2" || read("/sys/hypervisor/uuid")?.startsWith("ec2") === true
    ? "ec2"
    : "local"

/**
 * What tells this process from its siblings: the container's id in ECS, the machine's in EC2 where its DMI tables have
 * it, else host name and process id.
 *
 * @category constructors
 * @since 1.1.0
 */
export const instanceOf = (kind: Kind, { env, read }: Signs): string => {
  const container = ecsMetadata.map((name) => env[name]).find((url) => url)?.split("/").at(-1)
  if (kind === "ecs" && container) return container
  const machine = kind === "ec2" ? read("/sys/class/dmi/id/board_asset_tag") : undefined
  return machine?.startsWith("i-") === true ? machine : `${hostname()}/${process.pid}`
}

/**
 * The place this process runs in, as it was found; `instance` is found when it is first asked for.
 *
 * @category layers
 * @since 1.1.0
 */
export const layer = (
  kind: Kind,
  { instance, region }: { readonly instance?: string | undefined; readonly region?: string | undefined } = {}
): Layer.Layer<Environment> =>
  Layer.sync(Environment, () => {
    let found = instance
    return {
      kind,
      region,
      get instance() {
        return found ??= instanceOf(kind, thisProcess)
      }
    }
  })

/**
 * The signs of the machine that this process runs on.
 *
 * @category constants
 * @since 1.1.0
 */
export const thisProcess: Signs = {
  env: process.env,
  read: (path) => {
    try {
      return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined
    } catch {
      return undefined
    }
  }
}
