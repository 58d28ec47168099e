import {
  CloudWatchClient,
  type MetricDatum,
  PutMetricDataCommand,
  type PutMetricDataCommandInput,
  StandardUnit
} from "@aws-sdk/client-cloudwatch"
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  type InputLogEvent,
  PutLogEventsCommand,
  PutRetentionPolicyCommand
} from "@aws-sdk/client-cloudwatch-logs"
import { assert, describe, it, onTestFinished } from "@effect/vitest"
import { once } from "node:events"
import { connect } from "node:net"
import * as FakeCloudWatch from "./FakeCloudWatch.ts"

const group = "/orders"
const stream = "orders/i-1"
const hour = 3_600_000
const day = 24 * hour

const setUp = async (options: FakeCloudWatch.Options = {}) => {
  const fake = await FakeCloudWatch.start(options)
  const config = {
    region: "eu-west-1",
    endpoint: fake.url,
    maxAttempts: 1,
    credentials: { accessKeyId: "AKIA", secretAccessKey: "secret" }
  }
  const logs = new CloudWatchLogsClient(config)
  const metrics = new CloudWatchClient(config)
  onTestFinished(async () => {
    logs.destroy()
    metrics.destroy()
    await fake.close()
  })
  const createStream = (name = stream, of = group) =>
    logs.send(new CreateLogStreamCommand({ logGroupName: of, logStreamName: name }))
  const put = (logEvents: Array<InputLogEvent>, abortSignal = new AbortController().signal) =>
    logs.send(new PutLogEventsCommand({ logGroupName: group, logStreamName: stream, logEvents }), { abortSignal })
  const putMetrics = (MetricData: Array<MetricDatum>, more: Partial<PutMetricDataCommandInput> = {}) =>
    metrics.send(new PutMetricDataCommand({ Namespace: "Orders", MetricData, ...more }))
  fake.createGroup(group)
  await createStream()
  const messages = () => fake.events(group, stream).map(({ message }) => message)
  return { fake, logs, createStream, put, putMetrics, messages }
}

const refusal = (promise: Promise<unknown>): Promise<Record<string, any>> =>
  promise.then(() => ({ name: "accepted" }), (error) => error as Record<string, any>)

const events = (count: number, message = "hello", timestamp = Date.now()): Array<InputLogEvent> =>
  Array.from({ length: count }, () => ({ timestamp, message }))

const datum = (more: Partial<MetricDatum> = {}): MetricDatum => ({ MetricName: "requests", Value: 1, ...more })

describe("the fake of CloudWatch Logs", () => {
  it("stores events and lists calls and streams", async () => {
    const { fake, put } = await setUp()
    const { $metadata, rejectedLogEventsInfo } = await put([{ timestamp: Date.now(), message: "grüße" }])
    assert.isUndefined(rejectedLogEventsInfo)
    assert.isString($metadata.requestId)
    const [event] = fake.allEvents()
    assert.deepInclude(event, { message: "grüße", ingestedBy: 1, ambiguous: false, group, stream })
    assert.deepStrictEqual(fake.streams(), [{ group, stream, count: 1 }])
    assert.deepInclude(fake.calls[1], { index: 1, operation: "PutLogEvents", status: 200, events: 1, bytes: 33 })
    assert.deepStrictEqual(fake.violations, [])
  })

  it("keeps counts only where messages are not wanted", async () => {
    const { fake, messages, put } = await setUp({ keepMessages: false })
    await put(events(3))
    assert.deepStrictEqual([fake.streams()[0]?.count, messages().length], [3, 0])
  })

  it("creates what is missing and says what that is", async () => {
    const { createStream, fake, logs, put } = await setUp()
    const create = (logGroupName: string) => logs.send(new CreateLogGroupCommand({ logGroupName }))
    fake.deleteStream(group, stream)
    const noStream = await refusal(put(events(1)))
    assert.strictEqual(noStream["name"], "ResourceNotFoundException")
    assert.match(noStream["message"], /log stream does not exist/)
    fake.deleteGroup(group)
    for (const missing of [() => put(events(1)), () => createStream()]) {
      const { message, name } = await refusal(missing())
      assert.strictEqual(name, "ResourceNotFoundException")
      assert.match(message, /log group does not exist/)
    }
    await create(group)
    await createStream()
    await put(events(1))
    for (const again of [() => create(group), () => createStream()]) {
      assert.strictEqual((await refusal(again()))["name"], "ResourceAlreadyExistsException")
    }
    assert.deepStrictEqual(fake.violations, [])
  })

  it("checks names and retention", async () => {
    const { createStream, fake, logs } = await setUp()
    const create = (logGroupName: string) => logs.send(new CreateLogGroupCommand({ logGroupName }))
    const retain = (retentionInDays: number) =>
      logs.send(new PutRetentionPolicyCommand({ logGroupName: group, retentionInDays }))
    await createStream("s".repeat(512))
    await create("g".repeat(512))
    await retain(7)
    const refused = [
      ...["", "a:b", "a*b", "s".repeat(513)].map((name) => createStream(name)),
      ...["", "a b", "aws/lambda", "g".repeat(513)].map(create),
      retain(6)
    ]
    for (const { name } of await Promise.all(refused.map(refusal))) {
      assert.strictEqual(name, "InvalidParameterException")
    }
    assert.strictEqual(fake.violations.length, refused.length)
  })

  it("takes 1 to 10,000 events", async () => {
    const { fake, put } = await setUp()
    await put(events(10_000, "a"))
    for (const count of [0, 10_001]) {
      assert.strictEqual((await refusal(put(events(count, "a"))))["name"], "InvalidParameterException")
    }
    assert.strictEqual(fake.allEvents().length, 10_000)
    assert.deepStrictEqual(fake.violations, [
      "Logs_20140328.PutLogEvents: logEvents must be 1 to 10000, not 0",
      "Logs_20140328.PutLogEvents: logEvents must be 1 to 10000, not 10001"
    ])
  })

  it("takes 1,048,576 bytes of UTF-8 and 26 per event", async () => {
    const { fake, put } = await setUp()
    await put(events(1, "a".repeat(1_048_550)))
    await put(events(2, "é".repeat(262_131)))
    await put(events(1, "\ud800".repeat(349_516)))
    const refused = [
      events(1, "a".repeat(1_048_551)),
      events(1, "\ud800".repeat(349_517)),
      [...events(2, "é".repeat(262_131)), ...events(1, "a")],
      events(1, "")
    ]
    for (const batch of refused) {
      assert.strictEqual((await refusal(put(batch)))["name"], "InvalidParameterException")
    }
    assert.deepStrictEqual(fake.violations.map((text) => text.replace("Logs_20140328.PutLogEvents: ", "")), [
      "the batch must be at most 1048576 bytes, not 1048577",
      "a message must be at most 1048550 bytes",
      "the batch must be at most 1048576 bytes, not 1048577",
      "a message must be at most 1048550 bytes",
      "the batch must be at most 1048576 bytes, not 1048603",
      "a message must not be empty"
    ])
  })

  it("wants timestamps that ascend, whose valid ones span 24 hours", async () => {
    const now = Date.now()
    const { fake, messages, put } = await setUp({ now: () => now })
    const at = (...timestamps: Array<number>) => put(timestamps.map((timestamp) => ({ timestamp, message: "a" })))
    await at(now - day, now - day, now)
    await at(now - 20 * day, now, now + 3 * hour)
    assert.strictEqual(messages().length, 4)
    assert.match((await refusal(at(now - day - 1, now)))["message"], /24 hours/)
    assert.match((await refusal(at(now, now - 1)))["message"], /ascend/)
    assert.match((await refusal(at(now + 0.5)))["message"], /integer/)
    assert.strictEqual(fake.violations.length, 3)
  })

  it("rejects single events that are too old, expired or too new", async () => {
    const now = Date.now()
    const { fake, logs, messages, put } = await setUp({ now: () => now, groupRetentionDays: 30 })
    const at = async (...ages: Array<number>) => {
      const batch = ages.map((age) => ({ timestamp: now - age, message: String(age) }))
      return (await put(batch)).rejectedLogEventsInfo
    }
    assert.deepStrictEqual(
      await at(14 * day + 1, 14 * day, 13 * day, -2 * hour - 1),
      { tooOldLogEventEndIndex: 1, tooNewLogEventStartIndex: 3 }
    )
    assert.isUndefined(await at(-2 * hour))
    await logs.send(new PutRetentionPolicyCommand({ logGroupName: group, retentionInDays: 1 }))
    assert.deepStrictEqual(
      await at(15 * day, day + 1, day),
      { tooOldLogEventEndIndex: 1, expiredLogEventEndIndex: 2 }
    )
    assert.deepStrictEqual(messages(), [14 * day, 13 * day, -2 * hour, day].map(String))
    assert.deepStrictEqual(fake.violations, [])
  })

  it("wants a signature of the last five minutes", async () => {
    let skew = 0
    const { fake, messages, put } = await setUp({ now: () => Date.now() + skew })
    assert.strictEqual((await fetch(fake.url, { method: "POST" })).status, 403)
    for (const minutes of [6, -6]) {
      skew = minutes * 60_000
      const { $metadata, name } = await refusal(put(events(1, "refused")))
      assert.deepStrictEqual([name, $metadata.httpStatusCode], ["InvalidSignatureException", 403])
      await put(events(1, "the clock is put right"))
    }
    assert.deepStrictEqual(messages(), ["the clock is put right", "the clock is put right"])
    assert.deepStrictEqual(fake.violations, [])
  })

  it("refuses what is no request of its operations", async () => {
    const { fake } = await setUp()
    const date = new Date().toISOString().replace(/[-:]|\.\d+/g, "")
    const send = async (target: string, body: string) => {
      const headers = { authorization: "AWS4-HMAC-SHA256", "x-amz-date": date, "x-amz-target": target }
      const response = await fetch(fake.url, { method: "POST", headers, body })
      return [response.status, (await response.json() as { __type: string }).__type]
    }
    assert.deepStrictEqual(await send("Logs_20140328.DeleteLogGroup", "{}"), [400, "UnknownOperationException"])
    for (const body of ["", "null", `{"logEvents":[null]}`, `{"logEvents":1}`]) {
      assert.deepStrictEqual(await send("Logs_20140328.PutLogEvents", body), [400, "SerializationException"])
    }
    assert.strictEqual(fake.violations.length, 5)
  })
})

describe("a fault", () => {
  const refusals = [
    ["throttle", "ThrottlingException", 400],
    ["500", "InternalFailure", 500],
    ["503", "ServiceUnavailableException", 503],
    ["expiredToken", "ExpiredTokenException", 400],
    ["skewed", "InvalidSignatureException", 403]
  ] as const
  for (const [fault, name, status] of refusals) {
    it(`${fault} refuses and stores nothing`, async () => {
      const { fake, put, putMetrics } = await setUp()
      fake.fault = () => fault
      const error = await refusal(put(events(1)))
      assert.deepStrictEqual([error["name"], error["$metadata"].httpStatusCode], [name, status])
      const other = await refusal(putMetrics([datum()]))
      assert.strictEqual(other["$metadata"].httpStatusCode, status)
      assert.strictEqual(other["Code"], name.replace("Exception", ""))
      assert.deepStrictEqual([fake.allEvents().length, fake.datums.length], [0, 0])
      assert.deepInclude(fake.calls[1], { status, fault, error: name })
      assert.deepStrictEqual(fake.violations, [])
    })
  }

  it("is chosen by index, operation and body, and hides no broken limit", async () => {
    const seen: Array<unknown> = []
    const { fake, put } = await setUp({ fault: (call) => (seen.push(call), undefined) })
    fake.fault = (call) => (seen.push(call), "throttle")
    await refusal(put([{ timestamp: 1, message: "" }]))
    assert.deepStrictEqual(seen, [
      { index: 0, operation: "CreateLogStream", body: { logGroupName: group, logStreamName: stream } },
      {
        index: 1,
        operation: "PutLogEvents",
        body: { logGroupName: group, logStreamName: stream, logEvents: [{ timestamp: 1, message: "" }] }
      }
    ])
    assert.deepStrictEqual(fake.violations, ["Logs_20140328.PutLogEvents: a message must not be empty"])
  })

  for (const [fault, stored] of [["resetBeforeRead", 0], ["resetAfterStore", 1]] as const) {
    it(`${fault} resets and stores ${stored}`, async () => {
      const { fake, put, putMetrics } = await setUp()
      fake.fault = () => fault
      assert.strictEqual((await refusal(put(events(1))))["code"], "ECONNRESET")
      assert.strictEqual((await refusal(putMetrics([datum()])))["code"], "ECONNRESET")
      const ambiguous = Array.from({ length: stored }, () => true)
      assert.deepStrictEqual(fake.allEvents().map(({ ambiguous }) => ambiguous), ambiguous)
      assert.deepStrictEqual(fake.datums.map(({ ambiguous }) => ambiguous), ambiguous)
      assert.strictEqual(fake.calls[1]?.status, "reset")
    })
  }

  it("noRequestId stores and acknowledges with no id", async () => {
    const { fake, put } = await setUp()
    fake.fault = () => "noRequestId"
    const { $metadata } = await put(events(1))
    assert.deepStrictEqual([$metadata.httpStatusCode, $metadata.requestId], [200, undefined])
    assert.isTrue(fake.allEvents()[0]?.ambiguous)
  })

  it("hang never answers and stores nothing", async () => {
    const { fake, put } = await setUp()
    const abort = new AbortController()
    fake.fault = () => (setImmediate(() => abort.abort()), "hang")
    assert.strictEqual((await refusal(put(events(1), abort.signal)))["name"], "AbortError")
    assert.deepStrictEqual([fake.calls[1]?.status, fake.allEvents().length], ["hang", 0])
  })

  it("slow stores at once, and what nobody waited for is ambiguous", async () => {
    const { fake, messages, put } = await setUp({ slowMillis: 1 })
    fake.fault = () => "slow"
    await put(events(1, "waited"))
    const { fake: slower, put: putSlower } = await setUp({ slowMillis: 1_000_000 })
    const abort = new AbortController()
    slower.fault = () => (setImmediate(() => abort.abort()), "slow")
    await refusal(putSlower(events(1), abort.signal))
    while (slower.calls[1]?.status !== "reset") await new Promise(setImmediate)
    assert.deepStrictEqual([messages(), fake.allEvents()[0]?.ambiguous], [["waited"], false])
    assert.isTrue(slower.allEvents()[0]?.ambiguous)
  })

  it("streamDeleted deletes the stream, and its events can still be read", async () => {
    const { createStream, fake, messages, put } = await setUp()
    await put(events(1, "before"))
    fake.fault = ({ index }) => index === 2 ? "streamDeleted" : undefined
    assert.match((await refusal(put(events(1))))["message"], /log stream does not exist/)
    await createStream()
    await put(events(1, "after"))
    assert.deepStrictEqual(messages(), ["before", "after"])
    assert.deepStrictEqual(fake.violations, [])
  })

  it("partialRejection takes all but the first and the last of three or more", async () => {
    const { fake, messages, put } = await setUp({ fault: () => "partialRejection" })
    const timestamp = Date.now()
    const batch = ["a", "b", "c", "d"].map((message) => ({ timestamp, message }))
    assert.deepStrictEqual((await put(batch)).rejectedLogEventsInfo, {
      tooOldLogEventEndIndex: 1,
      tooNewLogEventStartIndex: 3
    })
    assert.isUndefined((await put(batch.slice(0, 2))).rejectedLogEventsInfo)
    assert.deepStrictEqual(messages(), ["b", "c", "a", "b"])
    assert.deepStrictEqual(fake.violations, [])
  })

  it("is also an outage that destroys connections, old and new, until it ends", async () => {
    const { fake, put } = await setUp()
    fake.outage = true
    await once(connect(fake.port, "127.0.0.1").resume(), "close")
    for (const attempt of [1, 2]) {
      assert.include(["ECONNRESET", "EPIPE"], (await refusal(put(events(attempt))))["code"])
    }
    fake.outage = false
    await put(events(1))
    assert.strictEqual(fake.calls.length, 2)
  })
})

describe("the fake of CloudWatch", () => {
  it("stores datums, also gzipped", async () => {
    const { fake, putMetrics } = await setUp()
    const Timestamp = new Date(Date.now() - 1234)
    await putMetrics([
      datum({ Timestamp, Dimensions: [{ Name: "Version", Value: "1.1" }], Unit: "Count", StorageResolution: 1 }),
      { MetricName: "duration", Values: [1, 2.5], Counts: [3, 4] },
      { MetricName: "size", StatisticValues: { SampleCount: 4, Sum: 10, Minimum: 1, Maximum: 9 } }
    ])
    await putMetrics(Array.from({ length: 1000 }, () => datum()))
    assert.strictEqual(fake.datums.length, 1003)
    const known = { namespace: "Orders", ingestedBy: 1, ambiguous: false }
    assert.deepStrictEqual(fake.datums[0], {
      ...known,
      name: "requests",
      dimensions: { Version: "1.1" },
      timestamp: Timestamp.getTime(),
      values: [1],
      counts: [1],
      unit: "Count",
      storageResolution: 1
    })
    const plain = { ...known, dimensions: {}, unit: "None", storageResolution: 60 }
    assert.deepInclude(fake.datums[1], { ...plain, name: "duration", values: [1, 2.5], counts: [3, 4] })
    assert.deepInclude(fake.datums[2], { ...plain, name: "size", values: [2.5], counts: [4] })
    assert.deepInclude(fake.calls[2], { operation: "PutMetricData", status: 200, events: 1000 })
    assert.deepStrictEqual(fake.violations, [])
  })

  const now = Date.now()
  const dimensions = (count: number) => Array.from({ length: count }, (_, index) => ({ Name: `d${index}`, Value: "v" }))
  const dimension = (Name: string, Value: string) => datum({ Dimensions: [{ Name, Value }] })
  const Values = (count: number) => Array.from({ length: count }, (_, index) => index)
  const at = (age: number) => datum({ Timestamp: new Date(now - age) })

  const cases: Record<string, { good: Array<MetricDatum>; bad: Array<MetricDatum> }> = {
    value: {
      good: [0, 8.52e-109, -(2 ** 360)].map((Value) => datum({ Value })),
      bad: [NaN, Infinity, -Infinity, 1e-109, 2 ** 361].map((Value) => datum({ Value }))
    },
    "values and counts": {
      good: [
        { MetricName: "a", Values: Values(150) },
        { MetricName: "a", Values: Values(150), Counts: Values(150) }
      ],
      bad: [
        { MetricName: "a" },
        { MetricName: "a", Values: [] },
        { MetricName: "a", Values: Values(151) },
        { MetricName: "a", Values: [1], Counts: [1, 2] },
        { MetricName: "a", Values: [NaN] },
        { MetricName: "a", Values: [1], Counts: [-1] },
        datum({ Values: [1] }),
        datum({ StatisticValues: { SampleCount: 1, Sum: 1, Minimum: 1, Maximum: 1 } }),
        { MetricName: "a", StatisticValues: { SampleCount: 1, Sum: NaN, Minimum: 1, Maximum: 1 } }
      ]
    },
    dimension: {
      good: [
        datum({ Dimensions: dimensions(30) }),
        dimension("n".repeat(255), "v".repeat(1024)),
        dimension("a b", "~")
      ],
      bad: [
        datum({ Dimensions: dimensions(31) }),
        datum({ Dimensions: [...dimensions(1), ...dimensions(1)] }),
        dimension("", "v"),
        dimension("n".repeat(256), "v"),
        dimension(":n", "v"),
        dimension("ü", "v"),
        dimension(" ", "v"),
        dimension("n", ""),
        dimension("n", " "),
        dimension("n", "ü"),
        dimension("n", "v".repeat(1025))
      ]
    },
    name: {
      good: [datum({ MetricName: "n".repeat(255) })],
      bad: [datum({ MetricName: "" }), datum({ MetricName: "n".repeat(256) })]
    },
    timestamp: {
      good: [at(14 * day), at(-2 * hour)],
      bad: [at(14 * day + 1), at(-2 * hour - 1)]
    },
    "unit and storage resolution": {
      good: [...Object.values(StandardUnit).map((Unit) => datum({ Unit })), datum({ StorageResolution: 60 })],
      bad: [datum({ Unit: "count" as StandardUnit }), datum({ StorageResolution: 10 })]
    }
  }
  for (const [limit, { bad, good }] of Object.entries(cases)) {
    it(`refuses a whole request for one bad ${limit}`, async () => {
      const { fake, putMetrics } = await setUp({ now: () => now })
      await putMetrics(good)
      assert.strictEqual(fake.datums.length, good.length)
      assert.deepStrictEqual(fake.violations, [])
      for (const one of bad) {
        const before = fake.violations.length
        const error = await refusal(putMetrics([datum(), one]))
        assert.strictEqual(error["name"], "InvalidParameterValueException", JSON.stringify(one))
        assert.strictEqual(error["Code"], "InvalidParameterValue")
        assert.strictEqual(fake.violations.length, before + 1, JSON.stringify(one))
      }
      assert.strictEqual(fake.datums.length, good.length)
    })
  }

  it("takes 1 to 1,000 datums in 1,048,576 bytes before gzip, in a namespace of one's own", async () => {
    const { fake, putMetrics } = await setUp()
    await putMetrics([datum()], { Namespace: "n".repeat(255) })
    for (const count of [0, 1001]) {
      const { name } = await refusal(putMetrics(Array.from({ length: count }, () => datum())))
      assert.strictEqual(name, "InvalidParameterValueException")
    }
    const full = Array.from({ length: 1000 }, () => datum())
    const entities = { EntityMetricData: [{ MetricData: [datum()] }], StrictEntityValidation: true }
    assert.match((await refusal(putMetrics(full, entities)))["message"], /not 1001/)
    for (const Namespace of ["", "AWS/EC2", ":a", "n".repeat(256)]) {
      assert.strictEqual(
        (await refusal(putMetrics([datum()], { Namespace })))["name"],
        "InvalidParameterValueException"
      )
    }
    const large = Array.from({ length: 1000 }, () => datum({ Dimensions: [{ Name: "n", Value: "v".repeat(1000) }] }))
    assert.strictEqual((await refusal(putMetrics(large)))["$metadata"].httpStatusCode, 413)
    assert.strictEqual(fake.datums.length, 1)
    assert.strictEqual(fake.violations.length, 8)
  })
})
