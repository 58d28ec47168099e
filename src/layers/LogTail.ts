import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { Logs } from "../services/Logs.ts"
import * as LogTailService from "../services/LogTail.ts"
import { Recent } from "../services/Recent.ts"

/**
 * How many clients may follow the log at once.
 *
 * @category constants
 * @since 1.1.0
 */
export const maxFollowers = 10

const heartbeat = "15 seconds"

// Node sends no head before the body begins: a client must know at once that it follows.
const greeting = "retry: 2000\n\n"

interface Follower {
  readonly tail: LogTailService.LogTail
  woken: boolean
  resume: (() => void) | undefined
}

/**
 * What answers `/logs`, and what ends it: followers get what waits for them, and their streams end.
 *
 * @category models
 * @since 1.1.0
 */
export interface LogTail {
  readonly respond: (request: HttpServerRequest.HttpServerRequest) => HttpServerResponse.HttpServerResponse
  readonly end: Effect.Effect<void>
}

const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff" }

/**
 * Makes what answers `/logs`: the recent lines as a JSON array, or, with `?follow` or where `text/event-stream` is
 * accepted, those and every later one as server-sent events.
 *
 * **Details**
 *
 * At most {@link maxFollowers} clients follow. One that reads too slowly is told how many lines it lost, in an event
 * `lost`; nobody waits for it. A comment every 15 seconds shows that the connection lives.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make: Effect.Effect<LogTail, never, Logs | Recent> = Effect.gen(function*() {
  const logs = yield* Logs
  const recent = yield* Recent
  const followers = new Set<Follower>()
  let ended = false

  const wake = (follower: Follower) => {
    const { resume } = follower
    follower.woken = true
    follower.resume = undefined
    resume?.()
  }

  const subscribe = () => {
    const follower: Follower = { tail: LogTailService.make(() => wake(follower)), woken: false, resume: undefined }
    for (const { line } of recent.logs.values()) follower.tail.offer(line)
    followers.add(follower)
    return { follower, leave: logs.follow(({ line }) => follower.tail.offer(line)) }
  }

  // It may be woken before the fiber that waits has begun to.
  const woken = (follower: Follower) =>
    Effect.callback<void>((resume) => {
      if (follower.woken) resume(Effect.void)
      else follower.resume = () => resume(Effect.void)
    })

  const nextOf = (follower: Follower): Effect.Effect<string, Cause.Done> =>
    Effect.suspend(() => {
      follower.woken = false
      const text = follower.tail.take()
      if (text !== "") return Effect.succeed(text)
      if (ended) return Cause.done()
      return Effect.timeoutOrElse(Effect.andThen(woken(follower), nextOf(follower)), {
        duration: heartbeat,
        orElse: () => Effect.succeed(": still here\n\n")
      })
    })

  const events = Stream.unwrap(
    Effect.acquireRelease(Effect.sync(subscribe), ({ follower, leave }) =>
      Effect.sync(() => {
        leave()
        followers.delete(follower)
      })).pipe(
        Effect.map(({ follower }) => Stream.concat(Stream.make(greeting), Stream.fromEffectRepeat(nextOf(follower))))
      )
  ).pipe(Stream.encodeText)

  const end = Effect.sync(() => {
    ended = true
    for (const follower of followers) wake(follower)
  })

  const respond: LogTail["respond"] = (request) => {
    if (!follows(request)) {
      const lines = recent.logs.values().map(({ line }) => line)
      return HttpServerResponse.text(`[${lines.join(",\n")}]\n`, { contentType: "application/json", headers })
    }
    if (followers.size >= maxFollowers) {
      return HttpServerResponse.text(`${maxFollowers} clients follow the log already\n`, {
        status: 503,
        headers: { ...headers, "retry-after": "10" }
      })
    }
    return HttpServerResponse.stream(events, { contentType: "text/event-stream", headers })
  }
  return { respond, end }
})

const follows = ({ headers: { accept = "" }, url }: HttpServerRequest.HttpServerRequest): boolean =>
  new URL(url, "http://localhost").searchParams.has("follow") || accept.includes("text/event-stream")
