import { MetadataService } from "@aws-sdk/ec2-metadata-service"

const timeout = 1_000
const retries = 1

/**
 * What an EC2 instance says of itself. The AWS SDK comes with this module: import it when it is first needed.
 *
 * @category models
 * @since 1.1.0
 */
export interface InstanceMetadata {
  readonly region: () => Promise<string>
  /** Empty where tags in metadata are off, which is EC2's default. */
  readonly tags: () => Promise<Readonly<Record<string, string>>>
}

/**
 * Asks the instance's metadata service, with a session token (IMDSv2); 1 second for each answer, one more try.
 *
 * `AWS_EC2_METADATA_SERVICE_ENDPOINT` is another address of it.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (): InstanceMetadata => {
  const service = new MetadataService({ httpOptions: { timeout }, retries, ec2MetadataV1Disabled: true, backoff: 0.2 })
  // The endpoint's own path, at least a slash, comes before this one.
  const get = (path: string) => service.request(`latest/meta-data/${path}`, {})
  return {
    region: () =>
      get("placement/region").catch((cause: unknown) => {
        throw new RegionUnknown("set AWS_REGION, or let this instance reach its metadata service", { cause })
      }),
    tags: async () => {
      const names = await get("tags/instance").catch((error: unknown) => {
        if (isNotFound(error)) return ""
        throw error
      })
      const keys = names.split("\n").filter((name) => name !== "")
      return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await get(`tags/instance/${key}`)])))
    }
  }
}

class RegionUnknown extends Error {
  override readonly name = "RegionUnknown"
}

const isNotFound = (error: unknown) =>
  error instanceof Error && "$metadata" in error &&
  (error.$metadata as { readonly httpStatusCode?: number }).httpStatusCode === 404
