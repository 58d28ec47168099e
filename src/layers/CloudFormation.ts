import { CloudFormationClient, DescribeStacksCommand, paginateListExports } from "@aws-sdk/client-cloudformation"
import { type AwsOptions, clientConfig } from "./AwsOptions.ts"

/**
 * Reads the outputs of one stack, in one request. The AWS SDK comes with this module: import it when it is first needed.
 *
 * The request always names the stack: without a name it would list every stack of the account.
 *
 * @category constructors
 * @since 1.1.0
 */
export const outputsOf = async (
  stack: string,
  options: AwsOptions,
  abortSignal: AbortSignal
): Promise<Readonly<Record<string, string>>> => {
  const client = new CloudFormationClient(clientConfig(options))
  try {
    const { Stacks: [found] = [] } = await client.send(new DescribeStacksCommand({ StackName: stack }), { abortSignal })
    return Object.fromEntries(
      (found?.Outputs ?? []).map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue])
    )
  } finally {
    client.destroy()
  }
}

/**
 * Reads one exported output, of any stack of the account in this Region. Exports cannot be asked for by name: this reads
 * pages of 100 until it is there.
 *
 * @category constructors
 * @since 1.1.0
 */
export const exportOf = async (
  name: string,
  options: AwsOptions,
  abortSignal: AbortSignal
): Promise<string | undefined> => {
  const client = new CloudFormationClient(clientConfig(options))
  try {
    for await (const { Exports = [] } of paginateListExports({ client }, {}, { abortSignal })) {
      const found = Exports.find(({ Name }) => Name === name)
      if (found !== undefined) return found.Value
    }
    return undefined
  } finally {
    client.destroy()
  }
}
