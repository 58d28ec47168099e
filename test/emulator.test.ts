import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readFileSync } from "node:fs"
import { vi } from "vitest"
import * as LocatorLayer from "../src/layers/Locator.ts"
import { layerMemory } from "../src/services/Environment.ts"
import { Locator } from "../src/services/Locator.ts"
import { markdown, permissions } from "../src/services/Permissions.ts"
import { startOnAws } from "./utils/aws.ts"
import { credentials, present, startMoto } from "./utils/moto.ts"

/** Everything that services asked of AWS in these tests. */
const actions = new Set<string>()

describe.runIf(present)("against the emulator moto", () => {
  it("the AWS command line reads back every line and every sum", async () => {
    const moto = await startMoto(actions)
    const service = await startOnAws(moto.url, { flags: ["--metrics-interval=1s"] })
    const requests = 25
    for (let index = 0; index < requests; index++) await service.get(`${service.url}/greetings/you`)
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0, service.stderr())

    const { logGroups = [] } = await moto.aws("logs", "describe-log-groups")
    assert.deepStrictEqual(
      logGroups.map(({ logGroupName, retentionInDays }) => [logGroupName, retentionInDays]),
      [["/reference", 30]]
    )
    const group = ["--log-group-name", "/reference"]
    const { logStreams = [] } = await moto.aws("logs", "describe-log-streams", ...group)
    assert.strictEqual(logStreams.length, 1)
    const stream = ["--log-stream-name", String(logStreams[0]?.["logStreamName"])]
    const { events = [] } = await moto.aws("logs", "get-log-events", ...group, ...stream, "--start-from-head")
    const lines = events.map(({ message }) => JSON.parse(String(message)) as { seq: number; message: string })
    assert.deepStrictEqual(lines.map(({ seq }) => seq), lines.map((_, index) => index + 1))
    assert.strictEqual(lines.filter(({ message }) => message === "GET /greetings/:name 200").length, requests)

    const statistics = async (metric: string, statistic: string, ...dimensions: ReadonlyArray<string>) => {
      const options = {
        namespace: ["reference"],
        "metric-name": [metric],
        dimensions: ["Name=service,Value=reference", ...dimensions],
        "start-time": [new Date(Date.now() - 3_600_000).toISOString()],
        "end-time": [new Date(Date.now() + 3_600_000).toISOString()],
        period: ["60"],
        statistics: [statistic]
      }
      const flags = Object.entries(options).flatMap(([name, values]) => [`--${name}`, ...values])
      const { Datapoints = [] } = await moto.aws("cloudwatch", "get-metric-statistics", ...flags)
      return Datapoints.map((point) => Number(point[statistic]))
    }
    const operation = ["Name=operation,Value=greetings.greet", "Name=status_class,Value=2xx"]
    const sums = await statistics("http_server_requests_total", "Sum", ...operation)
    assert.strictEqual(sums.reduce((total, sum) => total + sum, 0), requests)
    const counts = await statistics("http_server_request_duration_seconds", "SampleCount", ...operation)
    assert.strictEqual(counts.reduce((total, count) => total + count, 0), requests)
    assert.isAbove(Math.min(...await statistics("process_resident_memory_bytes", "Minimum")), 10 * 2 ** 20)
    await moto.close()
  })

  it("a service finds its log group among the outputs of its stack", async () => {
    const moto = await startMoto(actions)
    const template = {
      Resources: { Group: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "/orders/prod" } } },
      Outputs: {
        LogGroup: { Value: { Ref: "Group" } },
        MetricsNamespace: { Value: "Orders" },
        QueueUrl: { Value: "https://queue" }
      }
    }
    const body = JSON.stringify(template)
    await moto.aws("cloudformation", "create-stack", "--stack-name", "orders-prod", "--template-body", body)
    const service = await startOnAws(moto.url, { flags: ["--stack=orders-prod"] })
    const found = JSON.parse(await service.get(`${service.admin}/settings`) ?? "{}") as {
      settings: ReadonlyArray<{ setting: string; value: string; source: string }>
      otherOutputs: ReadonlyArray<string>
    }
    assert.deepStrictEqual(found.settings.find(({ setting }) => setting === "logGroup"), {
      setting: "logGroup",
      value: "/orders/prod",
      source: "output LogGroup of stack orders-prod"
    })
    assert.deepStrictEqual(found.otherOutputs, ["QueueUrl"])
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0, service.stderr())
    const { logStreams = [] } = await moto.aws("logs", "describe-log-streams", "--log-group-name", "/orders/prod")
    assert.strictEqual(logStreams.length, 1)
    const { Metrics = [] } = await moto.aws("cloudwatch", "list-metrics", "--namespace", "Orders")
    assert.isAbove(Metrics.length, 10)
    await moto.close()
  })

  it("another service is found by an output of its stack, or by an export", async () => {
    const moto = await startMoto(actions)
    const exported = (name: string, value: string) => ({ Value: value, Export: { Name: name } })
    const template = {
      Resources: { Group: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "/stock" } } },
      Outputs: { ServiceUrl: exported("stock-url", "http://stock"), Other: exported("other", "http://other") }
    }
    const body = JSON.stringify(template)
    await moto.aws("cloudformation", "create-stack", "--stack-name", "stock-prod", "--template-body", body)
    const env = { AWS_ENDPOINT_URL: moto.url, AWS_REGION: "eu-west-1", ...credentials }
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const find = (source: LocatorLayer.Source) =>
      Effect.flatMap(Locator, ({ locate }) => locate("stock")).pipe(
        Effect.provide(LocatorLayer.layer({ stock: [source] }).pipe(Layer.provide(layerMemory))),
        Effect.catch(({ message }) => Effect.succeed(message)),
        Effect.runPromise
      )
    assert.strictEqual(await find(LocatorLayer.output("stock-prod", "ServiceUrl")), "http://stock")
    assert.strictEqual(await find(LocatorLayer.exported("stock-url")), "http://stock")
    assert.include(await find(LocatorLayer.output("stock-prod", "Nothing")), "the stack has no such output")
    assert.include(await find(LocatorLayer.exported("nothing")), "the export nothing: no stack exports it")
    vi.unstubAllEnvs()
    await moto.close()
  })

  it("services asked for what docs/iam.md lists, and for nothing else", () => {
    assert.include(readFileSync(new URL("../docs/iam.md", import.meta.url), "utf8"), markdown())
    const listed = permissions.filter(({ by }) => by === "service").map(({ action }) => action)
    assert.deepStrictEqual([...actions].sort(), listed.sort())
  })
})
