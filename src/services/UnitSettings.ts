import { definitions } from "./SettingDefinitions.ts"
import type { Sources } from "./Settings.ts"

/**
 * Variables of AWS' own that say where and how its services are reached, and hold no secret.
 *
 * @category constants
 * @since 1.1.0
 */
export const awsVariables: ReadonlyArray<string> = [
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_ENDPOINT_URL",
  "AWS_ENDPOINT_URL_CLOUDFORMATION",
  "AWS_ENDPOINT_URL_CLOUDWATCH",
  "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
  "AWS_USE_DUALSTACK_ENDPOINT",
  "AWS_USE_FIPS_ENDPOINT",
  "AWS_EC2_METADATA_DISABLED",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"
]

/**
 * Variables that a unit never has: everybody on the machine can read one, and a service on AWS has a role.
 *
 * @category constants
 * @since 1.1.0
 */
export const secretVariables: ReadonlyArray<string> = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN"
]

/**
 * What of the flags and variables that `init` was given is written into the unit, so that `serve` has the same settings.
 *
 * The port is always a flag: what waits for the service, and what may listen in its place, must know it.
 *
 * @category constructors
 * @since 1.1.0
 */
export const passedOn = (
  sources: Pick<Sources, "flags" | "env">,
  port: number
): { readonly flags: ReadonlyArray<string>; readonly environment: Readonly<Record<string, string>> } => {
  const flags: Array<string> = []
  const environment: Record<string, string> = {}
  for (const { env, flag } of Object.values(definitions)) {
    const given = flag === definitions.port.flag ? String(port) : text(sources.flags[flag])
    const variable = text(sources.env[env])
    if (given !== undefined) flags.push(`--${flag}=${given}`)
    else if (variable !== undefined) environment[env] = variable
  }
  for (const name of awsVariables) {
    const variable = text(sources.env[name])
    if (variable !== undefined) environment[name] = variable
  }
  return { flags, environment }
}

const text = (given: string | undefined): string | undefined => given?.trim() || undefined
