import * as Schema from "effect/Schema"

/**
 * What to do after a failed request.
 *
 * - `throttle`: slow down, then the same again
 * - `transient`: the same again (network, timeout, 5xx)
 * - `missing`: the log group or stream is not there: create it, then the same again
 * - `auth`: credentials, signature, clock, permission or region: get them anew, then the same again, slowly
 * - `invalid`: CloudWatch will never take this: find the item that is wrong
 *
 * @category models
 * @since 1.1.0
 */
export const Kind = Schema.Literals(["throttle", "transient", "missing", "auth", "invalid"])

/**
 * @category models
 * @since 1.1.0
 */
export type Kind = typeof Kind.Type

/**
 * A request to AWS that failed. `ambiguous` when it may have been carried out all the same.
 *
 * @category errors
 * @since 1.1.0
 */
export class DeliveryError extends Schema.TaggedError<DeliveryError>()("DeliveryError", {
  kind: Kind,
  ambiguous: Schema.Boolean,
  message: Schema.String,
  cause: Schema.Defect()
}) {}

const throttles = new Set([
  "ThrottlingException",
  "Throttling",
  "ThrottledException",
  "RequestThrottled",
  "RequestThrottledException",
  "RequestLimitExceeded",
  "TooManyRequestsException",
  "LimitExceededException",
  "LimitExceeded",
  "BandwidthLimitExceeded",
  "EC2ThrottledException",
  "PriorRequestNotComplete",
  "ProvisionedThroughputExceededException",
  "SlowDown",
  "TransactionInProgressException"
])

const missing = new Set(["ResourceNotFoundException", "ResourceNotFound"])

// Not carried out: somebody else is changing the same thing right now.
const conflicts = new Set(["OperationAbortedException"])

const unanswered = new Set(["RequestAbortedException", "RequestTimeout", "RequestTimeoutException"])

const auth = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "AuthFailure",
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignature",
  "IncompleteSignatureException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationToken",
  "MissingAuthenticationTokenException",
  "NotAuthorized",
  "OptInRequired",
  "RequestExpired",
  "RequestInTheFuture",
  "RegionUnknown",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
  "TokenProviderError",
  "UnrecognizedClientException"
])

// Nothing was written: there was no connection to write to.
const unconnected = new Set([
  "EAI_AGAIN",
  "EADDRNOTAVAIL",
  "ECONNREFUSED",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "EMFILE",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOTFOUND"
])

const unconfigured = /^(Region is missing|Region not accepted|Resolved credential object is not valid)/

interface Known {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number | undefined } | undefined
}

/**
 * Decides what a failed request of the AWS SDK means; the one place that does.
 *
 * **Details**
 *
 * Names come first, since throttling is a 400 for some services and a 429 for others; then the HTTP status. An error
 * without status is the network's: ambiguous unless no connection was made.
 *
 * @category conversions
 * @since 1.1.0
 * @example
 * ```ts
 * classify({ name: "ThrottlingException", $metadata: { httpStatusCode: 400 } }).kind // "throttle"
 * ```
 */
export const classify = (cause: unknown): DeliveryError => {
  try {
    return cause instanceof DeliveryError ? cause : classifyReadable(cause)
  } catch {
    // Errors are foreign code: reading one may throw.
    return new DeliveryError({ kind: "transient", ambiguous: true, message: "Error: [unreadable]", cause })
  }
}

const classifyReadable = (cause: unknown): DeliveryError => {
  const { $metadata, code, message, name } = typeof cause === "object" && cause !== null ? cause as Known : {}
  const status = $metadata?.httpStatusCode
  const label = typeof name === "string" && name !== "Error" ? name : typeof code === "string" ? code : "Error"
  const text = typeof message === "string" && message !== "" ? message : String(code ?? cause)
  const make = (kind: Kind, ambiguous = false) =>
    new DeliveryError({ kind, ambiguous, message: text.startsWith(label) ? text : `${label}: ${text}`, cause })

  if (throttles.has(label) || status === 429) return make("throttle")
  if (missing.has(label)) return make("missing")
  if (conflicts.has(label)) return make("transient")
  if (auth.has(label) || status === 401 || status === 403 || unconfigured.test(text)) return make("auth")
  if (unanswered.has(label) || status === 408 || (status !== undefined && status >= 500)) return make("transient", true)
  if (status !== undefined && status >= 400) return make("invalid")
  if (unconnected.has(String(code)) || text.includes("did not establish a connection")) return make("transient")
  if (cause instanceof TypeError || cause instanceof RangeError) return make("invalid")
  return make("transient", true)
}
