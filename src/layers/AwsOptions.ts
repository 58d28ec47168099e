/**
 * Where AWS is, for clients that must not find out themselves. What is absent is found as the AWS SDK does: environment
 * variables (`AWS_REGION`, `AWS_ENDPOINT_URL`), then the container's or the machine's role.
 *
 * @category models
 * @since 1.1.0
 */
export interface AwsOptions {
  readonly region?: string | (() => Promise<string>) | undefined
  readonly endpoint?: string | undefined
  /** How far the service's clock is ahead, in milliseconds, as another client learned it. */
  readonly systemClockOffset?: number | undefined
}

// A logger with `info` or `error`, even the SDK's own that does nothing, makes it copy every event of every request.
const logger = { trace: () => {}, debug: () => {}, warn: () => {} } as Console

const connectionTimeout = 5_000
const requestTimeout = 10_000

/**
 * The configuration of every AWS client: one attempt (`Shipper` owns retries), and requests that end by themselves.
 *
 * Timeouts are 5 seconds to connect and 10 for an answer; without `throwOnRequestTimeout` the SDK would only warn.
 *
 * @category constructors
 * @since 1.1.0
 */
export const clientConfig = ({ endpoint, region, systemClockOffset = 0 }: AwsOptions) => ({
  ...(region === undefined ? {} : { region }),
  ...(endpoint === undefined ? {} : { endpoint }),
  systemClockOffset,
  maxAttempts: 1,
  logger,
  requestHandler: { connectionTimeout, requestTimeout, throwOnRequestTimeout: true }
})

/**
 * What to add to this process's time to get the service's, in milliseconds: 0 unless the clocks are 4 minutes apart,
 * which is what the SDK, too, calls skewed.
 *
 * @category getters
 * @since 1.1.0
 */
export const skewOf = (systemClockOffset: number): number =>
  Math.abs(systemClockOffset) < skewed ? 0 : systemClockOffset

const skewed = 240_000
