import { Session } from "node:inspector"

/**
 * A connection to V8's inspector of this thread, which answers at once (methods that do not are of no
 * use here). Methods and their parameters are those of
 * https://chromedevtools.github.io/devtools-protocol/v8/.
 *
 * @category models
 * @since 1.1.0
 */
export interface Inspector {
  /** Throws what V8 refuses. */
  readonly post: <A>(method: string, params?: object) => A
  readonly on: <A>(event: string, listener: (params: A) => void) => void
  readonly close: () => void
}

/**
 * Connects to the inspector. No port is opened.
 *
 * @category constructors
 * @since 1.1.0
 */
export const connect = (): Inspector => {
  const session = new Session()
  session.connect()
  return {
    post: <A>(method: string, params: object = {}) => {
      let answer: { readonly error: Error | null; readonly result: unknown } | undefined
      session.post(method, params, (error: Error | null, result: unknown) => {
        answer = { error, result }
      })
      if (answer === undefined) throw new Error(`${method} was not answered at once`)
      if (answer.error !== null) throw answer.error
      return answer.result as A
    },
    on: <A>(event: string, listener: (params: A) => void) => {
      session.on(event, ({ params }: { readonly params: A }) => listener(params))
    },
    close: () => session.disconnect()
  }
}
