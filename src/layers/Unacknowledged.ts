/**
 * An answer that looks like a success but comes from something else than AWS, such as a proxy: it has no request id.
 *
 * @category errors
 * @since 1.1.0
 */
export class Unacknowledged extends Error {
  override readonly name = "Unacknowledged"
  override readonly message = "the answer has no request id: nothing shows that it came from AWS"
}
