import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { encode } from "../../src/services/LogEncoder.ts"
import type { MetricBound } from "../../src/services/MetricBounds.ts"
import { errorsPattern } from "../../src/services/StackTelemetry.ts"
import * as StackTemplate from "../../src/services/StackTemplate.ts"

interface Resource {
  readonly Type: string
  readonly Condition?: string
  readonly Properties: Readonly<Record<string, unknown>>
}
type Resources = Readonly<Record<string, Resource>>

/** What a template has at a path, its keys and indices joined by dots. */
const at = (tree: unknown, path: string): unknown =>
  path.split(".").reduce<unknown>((node, key) => (node as Readonly<Record<string, unknown>> | undefined)?.[key], tree)

const listAt = (tree: unknown, path: string) => at(tree, path) as ReadonlyArray<Readonly<Record<string, unknown>>>

const make = (options: Partial<StackTemplate.Options> = {}) => {
  const made = StackTemplate.make({ service: "orders", target: "ec2", ...options })
  return Result.match(made, {
    onFailure: (error) => ({
      error: error.message,
      resources: {} as Resources,
      outputs: undefined as unknown,
      metadata: undefined as unknown
    }),
    onSuccess: (template) => ({
      error: "",
      resources: template["Resources"] as unknown as Resources,
      outputs: template["Outputs"] as unknown,
      metadata: template["Metadata"] as unknown
    })
  })
}

const statements = (resources: Resources) =>
  Object.values(resources)
    .filter(({ Type }) => Type === "AWS::IAM::Role")
    .flatMap(({ Properties }) => listAt(Properties, "Policies"))
    .flatMap((policy) => listAt(policy, "PolicyDocument.Statement"))

const queue: StackTemplate.Extension = {
  resources: { Queue: { Type: "AWS::SQS::Queue" } },
  outputs: {
    QueueUrl: { Ref: "Queue" },
    LogLevel: "debug",
    QueueName: { Value: { "Fn::GetAtt": ["Queue", "QueueName"] }, Export: { Name: "orders-queue" } },
    Limit: 10
  },
  statements: [{ Effect: "Allow", Action: "sqs:SendMessage", Resource: { "Fn::GetAtt": ["Queue", "Arn"] } }]
}

describe.each(["ec2", "ecs"] as const)("the stack on %s", (target) => {
  it("lets its role do nothing to every resource but what AWS cannot narrow, and says what and why", () => {
    const { metadata, resources } = make({ target })
    const wide = statements(resources).filter(({ Resource }) => [Resource].flat().includes("*"))
    assert.deepStrictEqual(wide, [{
      Effect: "Allow",
      Action: "cloudwatch:PutMetricData",
      Resource: "*",
      Condition: { StringEquals: { "cloudwatch:namespace": "orders" } }
    }])
    assert.deepStrictEqual(Object.keys(at(metadata, "Keelson.UnscopedPermissions") as object), [
      "cloudwatch:PutMetricData"
    ])
    assert.isTrue(
      statements(resources).every(({ Action }) => ![Action].flat().some((action) => String(action).includes("*")))
    )
  })

  it("has what the app adds, and gives what is a setting to each process", () => {
    const { outputs, resources } = make({ target, declared: ["QueueUrl", "Limit"], extension: queue })
    assert.deepStrictEqual<unknown>(resources["Queue"], { Type: "AWS::SQS::Queue" })
    assert.deepStrictEqual(at(outputs, "QueueUrl"), { Value: { Ref: "Queue" } })
    assert.deepStrictEqual(at(outputs, "QueueName"), queue.outputs?.["QueueName"])
    assert.deepInclude<unknown>(statements(resources), queue.statements?.[0])
    const given: Record<string, unknown> = target === "ec2"
      ? Object.fromEntries(
        listAt(resources, "LaunchTemplate.Properties.LaunchTemplateData.TagSpecifications.0.Tags")
          .map(({ Key, Value }) => [Key, Value])
      )
      : Object.fromEntries(
        listAt(resources, "Task.Properties.ContainerDefinitions.1.Environment").map(({ Name, Value }) => [Name, Value])
      )
    const [url, limit, level, name] = target === "ec2"
      ? ["QueueUrl", "Limit", "LogLevel", "QueueName"]
      : ["QUEUE_URL", "LIMIT", "LOG_LEVEL", "QUEUE_NAME"]
    assert.deepStrictEqual([given[url ?? ""], given[limit ?? ""], given[level ?? ""]], [
      { Ref: "Queue" },
      "10",
      "debug"
    ])
    assert.notProperty(given, name ?? "")
  })

  it("takes an output that is called like a setting for it", () => {
    const outputs = { Port: 9000, AdminHost: "::", Lameduck: { Value: "30s", Description: "long" }, LogRetention: "7" }
    const made = make({ target, extension: { outputs } })
    const byFlags = make({
      target,
      flags: { port: "9000", "admin-host": "::", lameduck: "30s", "log-retention": "7", "log-level": " " }
    })
    assert.strictEqual(made.error, "")
    assert.deepStrictEqual(at(made.outputs, "Lameduck"), outputs.Lameduck)
    assert.deepStrictEqual(at(made.outputs, "Port"), { Value: "9000" })
    assert.strictEqual(at(made.resources, "LogGroup.Properties.RetentionInDays"), 7)
    const unordered = ({ resources }: typeof made) =>
      JSON.parse(
        JSON.stringify(resources),
        (_, value: unknown) =>
          Array.isArray(value) ? value.toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1) : value
      )
    assert.deepStrictEqual(unordered(made), unordered(byFlags))
    assert.include(
      make({ target, extension: { outputs: { LogLevel: "bogus" } } }).error,
      "logLevel is \"bogus\" in output LogLevel of stack orders"
    )
    assert.include(
      make({ target, flags: { port: "9001" }, extension: { outputs } }).error,
      "output Port is there twice"
    )
  })

  it("says everything that an app adds in vain", () => {
    const { error } = make({
      target,
      description: "é".repeat(513),
      flags: { "metrics-namespace": "our 'orders'" },
      bounds: [
        { metric: "orders_open", atMost: 5, description: "a" },
        { metric: "orders_open", atMost: 6, description: "b" }
      ],
      extension: {
        parameters: { LogGroup: { Type: "String" } },
        resources: { Balancer: {}, my_queue: {} },
        outputs: { Lameduck: { Ref: "Delay" } },
        statements: [{ Effect: "Allow", Action: ["s3:ListAllMyBuckets"], Resource: "*" }]
      }
    })
    for (
      const problem of [
        "resource Balancer is there twice",
        "output Lameduck is there twice",
        "LogGroup is a parameter and a resource",
        "my_queue cannot be a name",
        "metrics-namespace \"our 'orders'\" cannot be searched for",
        "the service's description has 1026 bytes, a template's at most 1024",
        "the statement of s3:ListAllMyBuckets is about every resource: name them, or say why not (because)",
        "two bounds make the alarm OrdersOpenAtMostAlarm"
      ]
    ) assert.include(error, problem)
  })

  it("tells why where the app has a statement about every resource", () => {
    const because = "it has no resources"
    const { metadata, resources } = make({
      target,
      extension: { statements: [{ Effect: "Allow", Action: "s3:ListAllMyBuckets", Resource: ["*"], because }] }
    })
    assert.strictEqual(at(metadata, "Keelson.UnscopedPermissions.s3:ListAllMyBuckets"), because)
    assert.isTrue(statements(resources).every((statement) => !("because" in statement)))
  })

  it("checks its targets as the service ends", () => {
    const { outputs, resources } = make({ target, flags: { lameduck: "30s", "shutdown-deadline": "20s" } })
    const { Properties: targets = {} } = resources["Targets"] ?? {}
    assert.strictEqual(targets["HealthCheckPath"], "/readyz")
    assert.isAtMost(Number(targets["HealthCheckIntervalSeconds"]) * Number(targets["UnhealthyThresholdCount"]), 30)
    assert.deepInclude(listAt(targets, "TargetGroupAttributes"), {
      Key: "deregistration_delay.timeout_seconds",
      Value: "50"
    })
    assert.deepStrictEqual([at(outputs, "Lameduck.Value"), at(outputs, "ShutdownDeadline.Value")], ["30s", "20s"])
  })

  it("opens the admin listener to nobody unless told to whom", () => {
    const { outputs, resources } = make({ target })
    const open = Object.values(resources).filter(({ Properties }) => JSON.stringify(Properties ?? {}).includes("9990"))
    const rules = open.filter(({ Type }) => Type.includes("SecurityGroup"))
    assert.deepStrictEqual(rules.map(({ Condition }) => Condition), ["AdminOpen"])
    assert.deepStrictEqual(at(outputs, "AdminHost.Value"), { "Fn::If": ["AdminOpen", "0.0.0.0", "127.0.0.1"] })
  })

  it("refuses settings that its parts could not agree on", () => {
    const { error } = make({ target, service: "a b", flags: { "metrics-instance": "on", port: "0" } })
    assert.include(error, `the service's name "a b"`)
    assert.include(error, "metrics-instance on gives every series an instance")
    assert.include(error, "port and admin-port must be two ports")
    assert.include(make({ target, flags: { "log-level": "loud" } }).error, "logLevel")
    assert.include(make({ target, flags: { lameduck: "2h" } }).error, "take 7210s: the balancer waits 3600s")
    const asUnit = `the service's name "a.b" is no name for a unit`
    assert.strictEqual(make({ target, service: "a.b" }).error.includes(asUnit), target === "ec2")
  })
})

describe("what replaces a process", () => {
  it("on EC2 adds an instance and waits until it is ready before it takes one away", () => {
    const { resources } = make({ flags: { "admin-port": "81" } })
    assert.include(JSON.stringify(resources["LaunchTemplate"]), "'--admin-port=81'")
    const group = resources["Group"]
    assert.deepInclude(at(group, "UpdatePolicy.AutoScalingRollingUpdate"), {
      MinInstancesInService: { Ref: "MinSize" },
      MaxBatchSize: 1,
      MinSuccessfulInstancesPercent: 100,
      WaitOnResourceSignals: true
    })
    assert.deepStrictEqual(at(group, "CreationPolicy.ResourceSignal.Count"), { Ref: "MinSize" })
    assert.deepStrictEqual(at(group, "Properties.LaunchTemplate.Version"), {
      "Fn::GetAtt": ["LaunchTemplate", "LatestVersionNumber"]
    })
    assert.notProperty(group?.Properties, "DesiredCapacity")
  })

  it("on ECS keeps all that there are, and goes back when new ones do not become healthy", () => {
    const { resources } = make({ target: "ecs", flags: { "flush-deadline": "20s" } })
    assert.deepStrictEqual(resources["Service"]?.Properties["DeploymentConfiguration"], {
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      MinimumHealthyPercent: 100,
      MaximumPercent: 200
    })
    assert.notProperty(resources["Service"]?.Properties, "DesiredCount")
    const [fetch, service] = listAt(resources, "Task.Properties.ContainerDefinitions")
    assert.deepInclude(service, {
      Command: ["node", "/app/main.js", "serve"],
      User: "1000",
      ReadonlyRootFilesystem: true,
      StopTimeout: 45,
      DependsOn: [{ ContainerName: "fetch", Condition: "SUCCESS" }],
      MountPoints: [{ SourceVolume: "app", ContainerPath: "/app", ReadOnly: true }]
    })
    assert.isFalse(fetch?.["Essential"])
  })

  it("is reached by HTTPS alone where there is a certificate", () => {
    const { resources } = make()
    const actions = at(resources, "Listener.Properties.DefaultActions.Fn::If")
    assert.strictEqual(at(actions, "1.0.RedirectConfig.Protocol"), "HTTPS")
    assert.strictEqual(at(actions, "2.0.Type"), "forward")
    const secure = resources["SecureListener"]
    assert.deepStrictEqual([secure?.Condition, secure?.Properties["Port"]], ["Https", 443])
    assert.match(String(secure?.Properties["SslPolicy"]), /TLS13/)
  })
})

describe("what is watched", () => {
  const alarm = (bound: MetricBound, flags = {}) =>
    Object.values(make({ bounds: [bound], flags }).resources)
      .filter(({ Type }) => Type === "AWS::CloudWatch::Alarm")
      .map(({ Properties }) => Properties)
      .find((properties) => properties["MetricName"] === bound.metric)

  it("is each series that has a bound", () => {
    const series = { metric: "orders_open", attributes: { shop: "north" }, description: "too many open orders" }
    assert.deepInclude(alarm({ ...series, atMost: 5 }), {
      AlarmDescription: "orders: too many open orders",
      Namespace: "orders",
      Dimensions: [{ Name: "service", Value: "orders" }, { Name: "shop", Value: "north" }],
      Statistic: "Maximum",
      ComparisonOperator: "GreaterThanThreshold",
      Threshold: 5,
      Period: 60,
      EvaluationPeriods: 5,
      TreatMissingData: "notBreaching"
    })
    assert.deepInclude(alarm({ ...series, atLeast: 1, statistic: "p90", minutes: 10 }, { "metrics-interval": "2m" }), {
      ExtendedStatistic: "p90",
      ComparisonOperator: "LessThanThreshold",
      Threshold: 1,
      Period: 120,
      EvaluationPeriods: 5,
      TreatMissingData: "breaching"
    })
  })

  it("are the lines of level ERROR and FATAL, as they are written", () => {
    const levels = new Set([...errorsPattern.matchAll(/\(\$\.level = "(\w+)"\)/g)].map(([, level]) => level))
    const written = (["Trace", "Debug", "Info", "Warn", "Error", "Fatal"] as const).filter((level) =>
      levels.has((JSON.parse(encode({ timestamp: 0, level, message: "" })) as { level: string }).level)
    )
    assert.deepStrictEqual(written, ["Error", "Fatal"])
  })

  it("is on the dashboard, with its bounds, and with names that CloudFormation cannot take for its own", () => {
    const bound: MetricBound = { metric: "orders_${x}", description: "", atLeast: 2 }
    const { resources } = make({ bounds: [bound] })
    const body = String(at(resources, "Dashboard.Properties.DashboardBody.Fn::Sub"))
    assert.deepStrictEqual(
      new Set([...body.matchAll(/\$\{([^!}]*)\}/g)].map(([, name]) => name)),
      new Set(["AWS::Region", "Balancer.LoadBalancerFullName", "Targets.TargetGroupFullName"])
    )
    const panel = listAt(JSON.parse(body), "widgets").find((panel) => at(panel, "properties.title") === "orders_${!x}")
    const metric = at(panel, "properties.metrics.0") as ReadonlyArray<unknown>
    assert.deepStrictEqual(metric.slice(0, 4), ["orders", "orders_${!x}", "service", "orders"])
    assert.deepInclude(at(panel, "properties.annotations.horizontal.0"), { label: "at least", value: 2 })
  })
})
