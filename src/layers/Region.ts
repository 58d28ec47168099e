const metadataTimeout = 1_000

/**
 * The Region an EC2 instance works in: the environment's (`AWS_REGION`, `AWS_DEFAULT_REGION`), else the instance's own,
 * asked of its metadata service (IMDSv2; `AWS_EC2_METADATA_SERVICE_ENDPOINT` is another address of it). Fails within 2
 * seconds when nobody answers.
 *
 * @category constructors
 * @since 1.1.0
 */
export const ofInstance = async (): Promise<string> => {
  const { env } = process
  const given = env["AWS_REGION"] || env["AWS_DEFAULT_REGION"]
  if (given) return given
  const endpoint = env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] || "http://169.254.169.254"
  const ask = async (path: string, init: RequestInit) => {
    const response = await fetch(new URL(path, endpoint), { ...init, signal: AbortSignal.timeout(metadataTimeout) })
    if (!response.ok) throw new Error(`the metadata service answered ${response.status} to ${path}`)
    return response.text()
  }
  try {
    const token = await ask("/latest/api/token", {
      method: "PUT",
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": "60" }
    })
    return await ask("/latest/meta-data/placement/region", { headers: { "x-aws-ec2-metadata-token": token } })
  } catch (cause) {
    throw new RegionUnknown("set AWS_REGION, or let this instance reach its metadata service", { cause })
  }
}

class RegionUnknown extends Error {
  override readonly name = "RegionUnknown"
}
