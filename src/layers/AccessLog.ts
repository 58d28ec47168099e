import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpMetrics } from "../services/HttpMetrics.ts"
import { encodeHead } from "../services/LogEncoder.ts"
import { LogLevels } from "../services/LogLevels.ts"
import { Logs } from "../services/Logs.ts"
import type { LogEvent } from "../services/LogSink.ts"
import { encodeString, flat, isPlain } from "../services/LogValue.ts"
import * as Thousandths from "../services/Thousandths.ts"
import * as TraceContext from "../services/TraceContext.ts"
import type { ObservedOperation, ObservedResponse } from "./ObservedResponse.ts"
import * as RawHeader from "./RawHeader.ts"

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
 * Attribute names are OpenTelemetry's. Answers below 500 are logged at `INFO`, others at `ERROR`; those of quiet routes
 * (probes) at `DEBUG`, whatever they are. An answer whose client left before its headers were sent has status 499.
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
      const middle = `","operation":${encodeString(operation)},"url.path":"`

      // A probe that is refused is an answer like any other: what is wrong is logged where it is found.
      const levelOf = (status: number) => status >= 500 && !quiet ? "Error" : successLevel
      const textsOf = (status: number, method: string): Texts => ({
        level: levelOf(status),
        message: flat(`${encodeString(`${method} ${path} ${status}`)},"trace_id":"`),
        middle: flat(middle),
        tail: flat(`","http.response.status_code":${status},"duration_ms":`)
      })
      const byStatus: Array<Texts | undefined> = []

      return {
        annotations: Context.make(TraceContext.Operation, operation),
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
          if (!levels.admits(levelOf(status), names)) return
          const texts = method === anyMethod
            ? textsOf(status, response.req.method ?? "")
            : byStatus[status] ??= textsOf(status, method)
          logs.offer(new Answered(texts, response, seconds, left))
        }
      }
    }
  })

const end = Thousandths.make((digits) => `.${digits}}`)
const endLeft = Thousandths.make((digits) => `.${digits},"client_left":true}`)

/** The texts that lines of one route with one status share. */
interface Texts {
  readonly level: LogEvent["level"]
  readonly message: string
  readonly middle: string
  readonly tail: string
}

// A line is written when it is first read, and a trace that nobody asked for is begun then: many lines one after another
// cost a fraction of what one between two requests does, whose code and texts are no longer in the processor's cache.
class Answered implements LogEvent {
  readonly timestamp: number
  readonly level: LogEvent["level"]
  private readonly texts: Texts
  private readonly url: string
  private readonly trace: TraceContext.TraceContext | undefined
  private headers: ReadonlyArray<string> | undefined
  private readonly seconds: number
  private readonly left: boolean
  private written: string | undefined

  constructor(texts: Texts, { req, trace }: ObservedResponse, seconds: number, left: boolean) {
    this.timestamp = Date.now()
    this.level = texts.level
    this.texts = texts
    this.url = req.url ?? ""
    this.trace = trace
    this.headers = trace === undefined ? req.rawHeaders : undefined
    this.seconds = seconds
    this.left = left
    this.written = undefined
  }

  get line(): string {
    return this.written ??= this.write()
  }

  private write(): string {
    const { level, message, middle, tail } = this.texts
    const { traceId } = this.trace ?? TraceContext.continued(RawHeader.find(this.headers, "traceparent"))
    // The last events are kept, and what a client sent is not to be kept with them.
    this.headers = undefined
    const path = pathOf(this.url)
    const microseconds = Math.round(this.seconds * 1e6)
    return encodeHead(this.timestamp, level) + message + traceId + middle +
      (isPlain(path) ? path : encodeString(path).slice(1, -1)) + tail +
      Math.floor(microseconds / 1000) + (this.left ? endLeft : end)(microseconds % 1000)
  }
}

const pathOf = (url: string) => {
  const end = url.indexOf("?")
  return end === -1 ? url : url.slice(0, end)
}
