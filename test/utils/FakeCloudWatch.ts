import { randomUUID } from "node:crypto"
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"

export type Fault =
  | "throttle"
  | "500"
  | "503"
  /** Resets with nothing stored. The body is read by then, for `Options.fault` to see; only an outage is sooner. */
  | "resetBeforeRead"
  | "resetAfterStore"
  | "hang"
  | "slow"
  | "streamDeleted"
  | "expiredToken"
  | "noRequestId"
  | "partialRejection"
  | "skewed"

export interface Options {
  /** The server's clock in milliseconds, `Date.now` if not given. */
  readonly now?: () => number
  /** Milliseconds before each answer. What a request stores is stored before them. */
  readonly delay?: number
  /** Consulted once per request, when its body is read and before it has any effect. */
  readonly fault?: (call: {
    readonly index: number
    readonly operation: string
    readonly body: unknown
  }) => Fault | undefined
  /** Milliseconds before an answer that is `slow`, 2000 if not given. */
  readonly slowMillis?: number
  /** `false` keeps counts of log events only. */
  readonly keepMessages?: boolean
  /** The retention of a new group, none if not given. */
  readonly groupRetentionDays?: number | undefined
}

interface StoredEvent {
  readonly timestamp: number
  readonly message: string
  /** The index of the call. */
  readonly ingestedBy: number
  /** Stored by a call that was not acknowledged. */
  readonly ambiguous: boolean
}

interface StoredDatum {
  readonly name: string
  readonly namespace: string
  readonly dimensions: Record<string, string>
  /** In milliseconds. */
  readonly timestamp: number
  /** A statistic set is stored as its mean, counted as its samples. */
  readonly values: ReadonlyArray<number>
  readonly counts: ReadonlyArray<number>
  readonly unit: string
  readonly storageResolution: number
  readonly ingestedBy: number
  readonly ambiguous: boolean
}

interface Call {
  /** Its place in `calls`. */
  readonly index: number
  readonly operation: string
  readonly status: number | "reset" | "hang"
  readonly fault: Fault | undefined
  /** Log events or datums in the request. */
  readonly events: number
  /** Of PutLogEvents as the service counts a batch, else of the uncompressed body. */
  readonly bytes: number
  readonly error: string | undefined
  readonly at: number
}

export interface FakeCloudWatch {
  readonly url: string
  readonly port: number
  /** While true every new connection and request is destroyed, and not in `calls`. */
  outage: boolean
  fault: Options["fault"]
  /** In order of storing, also after the stream was deleted. */
  readonly events: (group: string, stream: string) => ReadonlyArray<StoredEvent>
  /** Every stream there ever was, with the number of its events. */
  readonly streams: () => ReadonlyArray<{ readonly group: string; readonly stream: string; readonly count: number }>
  /** Stream by stream. */
  readonly allEvents: () => ReadonlyArray<StoredEvent & { readonly group: string; readonly stream: string }>
  readonly datums: ReadonlyArray<StoredDatum>
  readonly calls: ReadonlyArray<Call>
  /** Every limit that a request broke, also one that met a fault: a correct client leaves this empty. */
  readonly violations: ReadonlyArray<string>
  readonly deleteStream: (group: string, stream: string) => void
  readonly deleteGroup: (group: string) => void
  readonly createGroup: (group: string) => void
  readonly close: () => Promise<void>
}

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

interface Body {
  readonly logGroupName?: string
  readonly logStreamName?: string
  readonly logEvents?: ReadonlyArray<{ readonly timestamp: number; readonly message: string }>
  readonly retentionInDays?: number
  readonly Namespace?: string
  readonly MetricData?: ReadonlyArray<Datum>
  readonly EntityMetricData?: ReadonlyArray<{ readonly MetricData?: ReadonlyArray<Datum> }>
}

interface Datum {
  readonly MetricName?: string
  readonly Dimensions?: ReadonlyArray<{ readonly Name?: string; readonly Value?: string }>
  readonly Timestamp?: number
  readonly Value?: number
  readonly Values?: ReadonlyArray<number>
  readonly Counts?: ReadonlyArray<number>
  readonly StatisticValues?: Record<"SampleCount" | "Sum" | "Minimum" | "Maximum", number>
  readonly Unit?: string
  readonly StorageResolution?: number
}

interface Reply {
  readonly status: number
  readonly error?: string
  readonly body: object
}

interface Group {
  retentionDays: number | undefined
  readonly streams: Set<string>
}

interface Stream {
  readonly group: string
  readonly stream: string
  count: number
  readonly events: Array<StoredEvent>
}

const hour = 3_600_000
const day = 24 * hour
const mebibyte = 1_048_576

const retentions = new Set(
  [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
)

const amounts = ["Bytes", "Bits"].flatMap((amount) => [
  amount,
  ...["Kilo", "Mega", "Giga", "Tera"].map((factor) => factor + amount.toLowerCase())
])
const units = new Set(
  ["Count", ...amounts].flatMap((amount) => [amount, `${amount}/Second`])
    .concat("Seconds", "Milliseconds", "Microseconds", "Percent", "None")
)

const ok = (body: object = {}): Reply => ({ status: 200, body })

const refusal = (error: string, message: string, status = 400): Reply => ({
  status,
  error,
  body: { __type: error, message }
})

const injected: Partial<Record<Fault, Reply>> = {
  throttle: refusal("ThrottlingException", "Rate exceeded"),
  "500": refusal("InternalFailure", "The request processing has failed.", 500),
  "503": refusal("ServiceUnavailableException", "The service cannot complete the request.", 503),
  expiredToken: refusal("ExpiredTokenException", "The security token included in the request is expired"),
  skewed: refusal("InvalidSignatureException", "Signature expired", 403)
}

const noGroup = refusal("ResourceNotFoundException", "The specified log group does not exist.")
const noStream = refusal("ResourceNotFoundException", "The specified log stream does not exist.")

const unauthorized = (headers: IncomingHttpHeaders, now: number): Reply | undefined => {
  if (headers.authorization === undefined) {
    return refusal("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
  }
  const date = String(headers["x-amz-date"])
  const signed = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"))
  return Math.abs(signed - now) <= 5 * 60_000
    ? undefined
    : refusal("InvalidSignatureException", `Signature expired or not yet current: ${date}`, 403)
}

const decoded = (headers: IncomingHttpHeaders, raw: Buffer): { readonly size: number; readonly json: unknown } => {
  try {
    const plain = headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw
    return { size: plain.length, json: JSON.parse(plain.toString()) }
  } catch {
    return { size: raw.length, json: undefined }
  }
}

const metricData = ({ EntityMetricData = [], MetricData = [] }: Body) => [
  ...MetricData,
  ...EntityMetricData.flatMap(({ MetricData = [] }) => MetricData)
]

const measured = (body: Body, size: number): Pick<Call, "events" | "bytes"> => {
  try {
    if (body.logEvents === undefined) return { events: metricData(body).length, bytes: size }
    let bytes = 0
    for (const { message } of body.logEvents) bytes += Buffer.byteLength(message) + 26
    return { events: body.logEvents.length, bytes }
  } catch {
    return { events: 0, bytes: size }
  }
}

const groupName = function*({ logGroupName = "" }: Body) {
  if (!/^[\w\-/.#]{1,512}$/.test(logGroupName)) yield "logGroupName must be 1 to 512 of a-zA-Z0-9_-/.#"
  if (logGroupName.startsWith("aws/")) yield "logGroupName must not start with aws/"
}

const streamName = function*({ logStreamName = "" }: Body) {
  if (!/^[^:*]{1,512}$/.test(logStreamName)) yield "logStreamName must be 1 to 512 characters other than : and *"
}

/** Where a batch that is in order stops being too old or expired, and starts being too new. */
const boundaries = (events: NonNullable<Body["logEvents"]>, now: number, retentionDays: number | undefined) => {
  const first = (matches: (timestamp: number) => boolean) => {
    const index = events.findIndex(({ timestamp }) => matches(timestamp))
    return index === -1 ? events.length : index
  }
  return {
    old: first((timestamp) => timestamp >= now - 14 * day),
    expired: retentionDays === undefined ? 0 : first((timestamp) => timestamp >= now - retentionDays * day),
    new: first((timestamp) => timestamp > now + 2 * hour)
  }
}

const putLogEvents = function*(body: Body, bytes: number, now: number, retentionDays: number | undefined) {
  const { logEvents: events = [] } = body
  if (events.length < 1 || events.length > 10_000) yield `logEvents must be 1 to 10000, not ${events.length}`
  if (bytes > mebibyte) yield `the batch must be at most ${mebibyte} bytes, not ${bytes}`
  let previous = 0
  for (const { message, timestamp } of events) {
    if (typeof message !== "string" || message === "") yield "a message must not be empty"
    if (message.length * 3 > mebibyte - 26 && Buffer.byteLength(message) > mebibyte - 26) {
      yield `a message must be at most ${mebibyte - 26} bytes`
    }
    if (!Number.isInteger(timestamp) || timestamp < 0) yield "a timestamp must be an integer from 0"
    if (timestamp < previous) yield "timestamps must ascend"
    previous = timestamp
  }
  const { expired, new: end, old } = boundaries(events, now, retentionDays)
  const [from, to] = [events[Math.max(old, expired)], events[end - 1]]
  if (from !== undefined && to !== undefined && to.timestamp - from.timestamp > day) {
    yield "valid events must span at most 24 hours"
  }
}

const text = (value: unknown, max: number) => typeof value === "string" && value.length >= 1 && value.length <= max
const visible = (value: unknown, max: number) => text(value, max) && /^[ -~]*[!-~][ -~]*$/.test(String(value))

const accepted = (value: unknown) =>
  typeof value === "number" && (value === 0 || Math.abs(value) >= 8.52e-109 && Math.abs(value) <= 2 ** 360)

const datumProblems = function*(datum: Datum, now: number) {
  const { Counts, Dimensions = [], StatisticValues, StorageResolution = 60, Unit = "None", Value, Values } = datum
  if (!text(datum.MetricName, 255)) yield "MetricName must be 1 to 255 characters"
  const given = [Value, Values, StatisticValues].filter((value) => value !== undefined)
  if (given.length !== 1) yield "one of Value, Values and StatisticValues must be given"
  if (Values?.length === 0 || (Values?.length ?? 0) > 150) yield "Values must be 1 to 150"
  if (Counts !== undefined && Counts.length !== Values?.length) yield "Counts must be as many as Values"
  const statistics = ["SampleCount", "Sum", "Minimum", "Maximum"] as const
  const numbers = [
    ...(Value === undefined ? [] : [Value]),
    ...(Values ?? []),
    ...(Counts ?? []),
    ...(StatisticValues === undefined ? [] : statistics.map((key) => StatisticValues[key]))
  ]
  for (const value of numbers) if (!accepted(value)) yield `${value} must be a number that is not too large or small`
  for (const count of [...(Counts ?? []), ...(StatisticValues === undefined ? [] : [StatisticValues.SampleCount])]) {
    if (count < 0) yield `a count must not be ${count}`
  }
  if (Dimensions.length > 30) yield "Dimensions must be at most 30"
  if (new Set(Dimensions.map(({ Name }) => Name)).size < Dimensions.length) yield "Dimensions must have unique names"
  for (const { Name, Value } of Dimensions) {
    if (!visible(Name, 255)) yield "a dimension name must be 1 to 255 ASCII characters, not blank"
    if (!visible(Value, 1024)) yield "a dimension value must be 1 to 1024 ASCII characters, not blank"
    if (Name?.startsWith(":")) yield "a dimension name must not start with :"
  }
  const timestamp = datum.Timestamp === undefined ? now : datum.Timestamp * 1000
  if (!(timestamp >= now - 14 * day && timestamp <= now + 2 * hour) || typeof datum.Timestamp === "string") {
    yield "Timestamp must be epoch seconds from two weeks ago to two hours ahead"
  }
  if (!units.has(Unit)) yield `Unit must not be ${Unit}`
  if (StorageResolution !== 1 && StorageResolution !== 60) yield "StorageResolution must be 1 or 60"
}

const putMetricData = function*(body: Body, now: number) {
  const { Namespace = "" } = body
  if (!text(Namespace, 255)) yield "Namespace must be 1 to 255 characters"
  if (/^(AWS\/|:)/.test(Namespace)) yield "Namespace must not start with AWS/ or :"
  const data = metricData(body)
  if (data.length < 1 || data.length > 1000) yield `MetricData must be 1 to 1000, not ${data.length}`
  for (const datum of data) {
    for (const problem of datumProblems(datum, now)) yield `datum ${datum.MetricName}: ${problem}`
  }
}

/** Starts CloudWatch Logs and CloudWatch on one free port of 127.0.0.1, as strict as they are. */
export const start = async (options: Options = {}): Promise<FakeCloudWatch> => {
  const { delay = 0, keepMessages = true, now = Date.now, slowMillis = 2000 } = options
  const groups = new Map<string, Group>()
  const streams = new Map<string, Stream>()
  const datums: Array<StoredDatum> = []
  const calls: Array<Call> = []
  const violations: Array<string> = []

  const streamOf = (group: string, stream: string): Stream => {
    const key = `${group}:${stream}`
    const known = streams.get(key) ?? { group, stream, count: 0, events: [] }
    streams.set(key, known)
    return known
  }

  const createGroup = (group: string) => {
    if (groups.has(group)) return
    groups.set(group, { retentionDays: options.groupRetentionDays, streams: new Set() })
  }

  const deleteStream = (group: string, stream: string) => {
    groups.get(group)?.streams.delete(stream)
  }

  const problemsOf = function*(operation: string, body: Body, bytes: number) {
    switch (operation) {
      case "PutLogEvents":
        yield* groupName(body)
        yield* streamName(body)
        return yield* putLogEvents(body, bytes, now(), groups.get(body.logGroupName ?? "")?.retentionDays)
      case "CreateLogStream":
        yield* groupName(body)
        return yield* streamName(body)
      case "PutRetentionPolicy":
        if (!retentions.has(body.retentionInDays ?? 0)) yield `retentionInDays must not be ${body.retentionInDays}`
        return yield* groupName(body)
      case "CreateLogGroup":
        return yield* groupName(body)
      default:
        if (bytes > mebibyte) yield `the body must be at most ${mebibyte} bytes, not ${bytes}`
        return yield* putMetricData(body, now())
    }
  }

  const refused = (target: string, operation: string, body: Body, bytes: number): Reply | undefined => {
    const broken = (error: string, problems: ReadonlyArray<string>, status = 400) => {
      for (const problem of problems) violations.push(`${target}: ${problem}`)
      return refusal(error, problems.join("; "), status)
    }
    if (
      !/^(Logs_20140328\.(PutLogEvents|CreateLogStream|CreateLogGroup|PutRetentionPolicy)|GraniteServiceVersion20100801\.PutMetricData)$/
        .test(target)
    ) {
      return broken("UnknownOperationException", ["there is no such operation"])
    }
    try {
      const problems = [...new Set(problemsOf(operation, body, bytes))]
      if (problems.length === 0) return undefined
      if (operation !== "PutMetricData") return broken("InvalidParameterException", problems)
      return bytes > mebibyte
        ? broken("RequestEntityTooLargeException", problems, 413)
        : broken("InvalidParameterValueException", problems)
    } catch {
      return broken("SerializationException", ["the body has the wrong form"])
    }
  }

  const store = (
    group: Group,
    body: Body,
    fault: Fault | undefined,
    mark: { readonly ingestedBy: number; readonly ambiguous: boolean },
    stored: Array<{ ambiguous: boolean }>
  ): Reply => {
    const { logEvents: events = [], logGroupName = "", logStreamName = "" } = body
    const at = boundaries(events, now(), group.retentionDays)
    if (fault === "partialRejection" && events.length >= 3) {
      at.old = Math.max(at.old, 1)
      at.new = Math.min(at.new, events.length - 1)
    }
    const from = Math.max(at.old, at.expired)
    const stream = streamOf(logGroupName, logStreamName)
    stream.count += Math.max(at.new - from, 0)
    for (let index = from; keepMessages && index < at.new; index++) {
      const { message, timestamp } = events[index]!
      const event = { timestamp, message, ...mark }
      stream.events.push(event)
      stored.push(event)
    }
    const info = {
      ...(at.new < events.length && { tooNewLogEventStartIndex: at.new }),
      ...(at.old > 0 && { tooOldLogEventEndIndex: at.old }),
      ...(at.expired > 0 && { expiredLogEventEndIndex: at.expired })
    }
    return ok(Object.keys(info).length === 0 ? {} : { rejectedLogEventsInfo: info })
  }

  const perform = (
    operation: string,
    body: Body,
    fault: Fault | undefined,
    mark: { readonly ingestedBy: number; readonly ambiguous: boolean },
    stored: Array<{ ambiguous: boolean }>
  ): Reply => {
    if (operation === "PutMetricData") {
      for (const datum of metricData(body)) {
        const { StatisticValues: set, Value, Values } = datum
        const values = set === undefined ? Values ?? [Value ?? 0] : [set.Sum / set.SampleCount]
        const one = {
          name: datum.MetricName ?? "",
          namespace: body.Namespace ?? "",
          dimensions: Object.fromEntries((datum.Dimensions ?? []).map(({ Name, Value }) => [Name, Value])),
          timestamp: datum.Timestamp === undefined ? now() : Math.round(datum.Timestamp * 1000),
          values,
          counts: set === undefined ? datum.Counts ?? values.map(() => 1) : [set.SampleCount],
          unit: datum.Unit ?? "None",
          storageResolution: datum.StorageResolution ?? 60,
          ...mark
        }
        datums.push(one)
        stored.push(one)
      }
      return ok()
    }
    const { logGroupName = "", logStreamName = "" } = body
    const group = groups.get(logGroupName)
    if (operation === "CreateLogGroup") {
      if (group !== undefined) {
        return refusal("ResourceAlreadyExistsException", "The specified log group already exists")
      }
      createGroup(logGroupName)
      return ok()
    }
    if (group === undefined) return noGroup
    if (operation === "PutRetentionPolicy") {
      group.retentionDays = body.retentionInDays
      return ok()
    }
    if (operation === "CreateLogStream") {
      if (group.streams.has(logStreamName)) {
        return refusal("ResourceAlreadyExistsException", "The specified log stream already exists")
      }
      group.streams.add(logStreamName)
      streamOf(logGroupName, logStreamName)
      return ok()
    }
    return group.streams.has(logStreamName) ? store(group, body, fault, mark, stored) : noStream
  }

  const answer = (request: IncomingMessage, response: ServerResponse, raw: Buffer) => {
    const { headers, socket } = request
    const target = String(headers["x-amz-target"])
    const operation = target.split(".")[1] ?? target
    const { json, size } = decoded(headers, raw)
    const index = calls.length
    const fault = fake.fault?.({ index, operation, body: json })
    const body = json as Body
    const { bytes, events } = measured(body, size)
    const broken = unauthorized(headers, now()) ?? refused(target, operation, body, bytes)
    const call: Mutable<Call> = { index, operation, status: "reset", fault, events, bytes, error: undefined, at: now() }
    calls.push(call)
    if (fault === "resetBeforeRead") return void socket.resetAndDestroy()
    if (fault === "hang") return void (call.status = "hang")
    if (fault === "streamDeleted") deleteStream(body?.logGroupName ?? "", body?.logStreamName ?? "")
    const ambiguous = fault === "resetAfterStore" || fault === "noRequestId"
    const stored: Array<{ ambiguous: boolean }> = []
    const reply = (fault === undefined ? undefined : injected[fault]) ?? broken ??
      perform(operation, body, fault, { ingestedBy: index, ambiguous }, stored)
    call.error = reply.error
    if (fault === "resetAfterStore") return void socket.resetAndDestroy()
    call.status = reply.status
    const send = () => {
      const text = JSON.stringify(reply.body)
      const logs = target.startsWith("Logs_")
      response.sendDate = false
      response.writeHead(reply.status, {
        "content-type": logs ? "application/x-amz-json-1.1" : "application/x-amz-json-1.0",
        "content-length": Buffer.byteLength(text),
        date: new Date(now()).toUTCString(),
        ...(fault !== "noRequestId" && { "x-amzn-RequestId": randomUUID() }),
        ...(!logs && reply.error !== undefined && {
          "x-amzn-query-error": `${reply.error.replace(/Exception$/, "")};${reply.status < 500 ? "Sender" : "Receiver"}`
        })
      })
      response.end(text)
    }
    const wait = fault === "slow" ? slowMillis : delay
    const timer = wait === 0 ? void send() : setTimeout(send, wait)
    response.on("close", () => {
      clearTimeout(timer)
      if (response.writableFinished) return
      call.status = "reset"
      for (const event of stored) event.ambiguous = true
    })
  }

  const server = createServer((request, response) => {
    if (fake.outage) return void request.socket.destroy()
    const chunks: Array<Buffer> = []
    request.on("error", () => {})
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => answer(request, response, Buffer.concat(chunks)))
  })
  server.keepAliveTimeout = 0
  server.on("connection", (socket) => {
    if (fake.outage) socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo

  const fake: FakeCloudWatch = {
    url: `http://127.0.0.1:${port}`,
    port,
    outage: false,
    fault: options.fault,
    events: (group, stream) => streams.get(`${group}:${stream}`)?.events ?? [],
    streams: () => [...streams.values()].map(({ count, group, stream }) => ({ group, stream, count })),
    allEvents: () =>
      [...streams.values()].flatMap(({ events, group, stream }) =>
        events.map((event) => ({ ...event, group, stream }))
      ),
    datums,
    calls,
    violations,
    deleteStream,
    deleteGroup: (group) => {
      groups.delete(group)
    },
    createGroup,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
  return fake
}
