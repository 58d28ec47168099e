import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpMetrics } from "../services/HttpMetrics.ts"
import { encodeString, encodeTimestamp } from "../services/LogEncoder.ts"
import { LogLevels } from "../services/LogLevels.ts"
import { Logs } from "../services/Logs.ts"
import { Operation } from "../services/TraceContext.ts"
import type { ObservedOperation, ObservedResponse } from "./ObservedResponse.ts"

/**
 * The method of a route that takes what no other route takes.
 *
 * @category constants
 * @since 1.1.0
 */
export const anyMethod = "*"

/**
 * Makes what watches one route: a log event and a histogram update per answer, everything fixed bound beforehand.
 *
 * **Details**
 *
 * Attribute names are OpenTelemetry's. Answers below 500 are logged at `INFO`, others at `ERROR`; quiet routes (probes)
 * at `DEBUG`. An answer whose client left before its headers were sent has status 499.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (metrics: HttpMetrics["Service"]): Effect.Effect<
  (
    route: { readonly method: string; readonly path: string; readonly operation: string; readonly quiet: boolean }
  ) => ObservedOperation,
  never,
  Logs
> =>
  Effect.gen(function*() {
    const logs = yield* Logs
    const levels = yield* LogLevels

    return ({ method, operation, path, quiet }) => {
      // OpenTelemetry's name for what is no method that is known
      const bound = method === anyMethod
        ? metrics.bind(operation, "_OTHER")
        : metrics.bind(operation, method, path)
      const names = [operation]
      const successLevel = quiet ? "Debug" : "Info"
      const middle = `","operation":${encodeString(operation)},"url.path":`

      const textsOf = (status: number, method: string) => {
        const level = status >= 500 ? "Error" : successLevel
        return {
          level,
          head: `","level":"${level.toUpperCase()}","message":${
            encodeString(`${method} ${path} ${status}`)
          },"trace_id":"`,
          tail: `,"http.response.status_code":${status},"duration_ms":`
        } as const
      }
      const byStatus: Array<ReturnType<typeof textsOf> | undefined> = []

      return {
        annotations: Context.make(Operation, operation),
        started: bound.started,
        finished: (response, seconds) => {
          const left = !response.writableFinished
          const status = left && !response.headersSent ? 499 : response.statusCode
          bound.finished(status, seconds)
          const { debugLines } = response
          if (debugLines !== undefined) {
            if (status >= 500) debugLines.flush()
            debugLines.discard()
          }
          if (!levels.admits(status >= 500 ? "Error" : successLevel, names)) return
          const { head, level, tail } = method === anyMethod
            ? textsOf(status, response.req.method ?? "")
            : byStatus[status] ??= textsOf(status, method)
          const timestamp = Date.now()
          const microseconds = Math.round(seconds * 1e6)
          const line = `{"timestamp":"${encodeTimestamp(timestamp)}${head}${response.trace?.traceId}${middle}${
            encodeString(pathOf(response))
          }${tail}${Math.floor(microseconds / 1000)}${(left ? endsLeft : ends)[microseconds % 1000]}`
          logs.offer({ timestamp, level, line })
        }
      }
    }
  })

// The end of a line is one of a thousand texts: writing a fraction out costs more than the whole rest of a number.
const ends = Array.from({ length: 1000 }, (_, index) => `.${String(index).padStart(3, "0")}}`)
const endsLeft = ends.map((end) => `${end.slice(0, -1)},"client_left":true}`)

const pathOf = ({ req: { url = "" } }: ObservedResponse) => {
  const end = url.indexOf("?")
  return end === -1 ? url : url.slice(0, end)
}
