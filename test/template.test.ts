import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand
} from "@aws-sdk/client-cloudformation"
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  ListMetricsCommand,
  PutMetricAlarmCommand
} from "@aws-sdk/client-cloudwatch"
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  DescribeMetricFiltersCommand,
  FilterLogEventsCommand,
  PutMetricFilterCommand
} from "@aws-sdk/client-cloudwatch-logs"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startOnAws, until } from "./utils/aws.ts"
import { instance, startMetadata } from "./utils/metadata.ts"
import { clientOptions, present, startMoto } from "./utils/moto.ts"
import { startRecorder } from "./utils/recorder.ts"
import { bundle, command, start } from "./utils/service.ts"

interface Template {
  readonly Metadata: { readonly Keelson: { readonly Service: string } }
  readonly Parameters: Readonly<Record<string, { readonly Type: string; readonly Default?: unknown }>>
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Record<string, any> }>>
  readonly Outputs: Readonly<Record<string, unknown>>
}

type Target = "ec2" | "ecs"

const queue = new URL("fixtures/queue.ts", import.meta.url).pathname
const directory = mkdtempSync(join(tmpdir(), "keelson-template-"))
afterAll(() => rmSync(directory, { recursive: true }))

const print = async (target: Target, service = bundle) => {
  const { code, stderr, stdout } = await command(["template", "--target", target], { file: service })
  assert.strictEqual(code, 0, stderr)
  const file = join(directory, `${target}.json`)
  writeFileSync(file, stdout)
  return { text: stdout, file, template: JSON.parse(stdout) as Template }
}

// pip install cfn-lint; where CI is set it must be there.
const linter = process.env["CI"] !== undefined || spawnSync("cfn-lint", ["--version"]).error === undefined

describe.each<Target>(["ec2", "ecs"])("the template for %s", { timeout: 120_000 }, (target) => {
  it("is the same bytes each time, in each process", async () => {
    assert.strictEqual((await print(target)).text, (await print(target)).text)
  })

  it("is small enough to be given to CloudFormation as it is", async () => {
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert.isBelow((await print(target)).text.length, 51_200)
  })

  it.runIf(linter)("has no errors and no warnings, nor with what an app adds", async () => {
    for (const service of [bundle, queue]) {
      const { file } = await print(target, service)
      const { status, stdout } = spawnSync("cfn-lint", ["--", file], { encoding: "utf8" })
      assert.deepStrictEqual([status, stdout], [0, ""])
    }
  })

  it("is refused while a setting of the app has neither an output nor a default, and names each", async () => {
    const env = { FORGETFUL: "yes" }
    const { code, stderr, stdout } = await command(["template", "--target", target], { file: queue, env })
    assert.deepStrictEqual([code, stdout], [78, ""])
    assert.include(stderr, "setting QueueUrl has no default, and the stack no output QueueUrl")
    assert.include(stderr, "setting QueueName has no default, and the stack no output QueueName")
  })

  it("says what is wrong with its flags, all of it", async () => {
    const { code, stderr, stdout } = await command([
      "template",
      "--target",
      target,
      "--lameduck",
      "9s",
      "--port",
      "9990"
    ])
    assert.deepStrictEqual([code, stdout], [78, ""])
    assert.include(stderr, "lameduck 9s is too short: the balancer notices after 10s (2 checks of 5s)")
    assert.include(stderr, "two ports that others know")
  })
})

/** What an account has before the stack: a network, and a bucket. */
const parametersOf = async ({ aws }: Moto, { template }: { readonly template: Template }) => {
  const { Subnets = [] } = await aws("ec2", "describe-subnets")
  const subnets = Subnets.map(({ SubnetId }) => String(SubnetId)).slice(0, 2).join(",")
  const parameters: Record<string, string> = {
    VpcId: String(Subnets[0]?.["VpcId"]),
    BalancerSubnets: subnets,
    ServiceSubnets: subnets,
    ArtefactBucket: "releases",
    ArtefactKey: `${template.Metadata.Keelson.Service}/1.1.ab41cd/main.js`,
    ArtefactSha256: "0".repeat(64),
    AdminCidr: "10.0.0.0/8"
  }
  return Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }))
}

// Moto does not know these attributes: it gets the ARNs that they are the ends of. Nothing else is changed for it. Of the
// template it leaves out alarms, the metric filter, scaling policies and the balancer's way out; the first two have a test
// of their own below, the last two only the linter.
const forMoto = (text: string): string =>
  [["Targets", "TargetGroupFullName"], ["Balancer", "LoadBalancerFullName"]].reduce(
    (text, [resource, name]) =>
      text
        .replaceAll(`\${${resource}.${name}}`, `\${${resource}}`)
        .replaceAll(new RegExp(`"Fn::GetAtt": \\[\\s*"${resource}",\\s*"${name}"\\s*\\]`, "g"), `"Ref": "${resource}"`),
    text
  )

type Moto = Awaited<ReturnType<typeof startMoto>>

/** Creates the stack of a service, called as the service and the target. */
const create = async (moto: Moto, target: Target, file = bundle) => {
  const printed = await print(target, file)
  const { Service } = printed.template.Metadata.Keelson
  const StackName = `${Service}-${target}`
  const cloudFormation = new CloudFormationClient(clientOptions(moto.direct))
  await cloudFormation.send(
    new CreateStackCommand({
      StackName,
      TemplateBody: forMoto(printed.text),
      Parameters: await parametersOf(moto, printed),
      Capabilities: ["CAPABILITY_IAM"]
    })
  )
  const { Stacks: [created] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }))
  assert.strictEqual(created?.StackStatus, "CREATE_COMPLETE", JSON.stringify(created))
  const outputs = Object.fromEntries(
    (created?.Outputs ?? []).map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue])
  )
  const { StackResources = [] } = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName }))
  const resources = new Map(
    StackResources.map(({ LogicalResourceId, PhysicalResourceId = "" }) => [LogicalResourceId, PhysicalResourceId])
  )
  return { ...printed, outputs, resources, name: StackName }
}

/** The settings that a service found, with their sources. */
const settingsOf = async (service: Awaited<ReturnType<typeof startOnAws>>) => {
  const { settings } = JSON.parse(await service.get(`${service.admin}/settings`) ?? "{}") as {
    readonly settings: ReadonlyArray<{ readonly setting: string; readonly value: string; readonly source: string }>
  }
  return new Map(settings.map(({ setting, source, value }) => [setting, `${value} from ${source}`]))
}

const messagesOf = async ({ direct }: Moto, logGroupName: string) => {
  const { events = [] } = await new CloudWatchLogsClient(clientOptions(direct)).send(
    new FilterLogEventsCommand({ logGroupName })
  )
  return events.map(({ message = "" }) => (JSON.parse(message) as { readonly message: string }).message)
}

/** The calls that the template's role allows a running service. */
const allowed = ({ template }: { readonly template: Template }, role: string) =>
  template.Resources[role]?.Properties["Policies"][0].PolicyDocument.Statement
    .map(({ Action }: { readonly Action: string }) => Action)
    .filter((action: string) => !action.startsWith("s3:"))

/** What the launch template of a stack says of its instances. */
const launchDataOf = async ({ aws }: Moto, { resources }: Awaited<ReturnType<typeof create>>) => {
  const id = resources.get("LaunchTemplate") ?? ""
  const { LaunchTemplateVersions: [version] = [] } = await aws<
    { readonly LaunchTemplateVersions?: ReadonlyArray<{ readonly LaunchTemplateData: Record<string, any> }> }
  >("ec2", "describe-launch-template-versions", "--launch-template-id", id)
  return version?.LaunchTemplateData ?? {}
}

describe.runIf(present)("a stack on EC2 made of the template", { timeout: 120_000 }, () => {
  let moto: Moto
  let stack: Awaited<ReturnType<typeof create>>
  beforeAll(async () => {
    moto = await startMoto(new Set())
    stack = await create(moto, "ec2")
  }, 120_000)
  afterAll(() => moto.close())

  it("is found by the service on one of its instances, which ships there and asks for no more than its role allows", async () => {
    assert.deepInclude(stack.outputs, {
      LogGroup: "/reference",
      MetricsNamespace: "reference",
      Lameduck: "10s",
      ShutdownDeadline: "10s",
      FlushDeadline: "10s",
      Port: "8080",
      AdminPort: "9990",
      AdminHost: "0.0.0.0"
    })
    // CloudFormation puts this tag on each instance; the others come from the launch template.
    const metadata = await startMetadata(instance({ "aws:cloudformation:stack-name": stack.name }))
    const actions = new Set<string>()
    const recorder = await startRecorder(moto.direct, actions)
    const service = await startOnAws(recorder.url, { env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url } })
    const found = await settingsOf(service)
    assert.strictEqual(found.get("logGroup"), "/reference from output LogGroup of stack reference-ec2")
    assert.strictEqual(found.get("shutdownDeadline"), "10s from output ShutdownDeadline of stack reference-ec2")
    await service.get(`${service.url}/greetings/you`)
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0, service.stderr())

    const messages = await messagesOf(moto, "/reference")
    assert.match(messages.join("\n"), /^reference .* is ready[^]*^GET \/greetings\/:name 200$/m)
    const { Metrics = [] } = await new CloudWatchClient(clientOptions(moto.direct)).send(
      new ListMetricsCommand({ Namespace: "reference" })
    )
    assert.isAbove(Metrics.length, 10)
    assert.deepStrictEqual([...actions].sort(), allowed(stack, "InstanceRole").sort())
    const { logGroups = [] } = await new CloudWatchLogsClient(clientOptions(moto.direct)).send(
      new DescribeLogGroupsCommand({})
    )
    assert.deepStrictEqual(logGroups.map(({ retentionInDays }) => retentionInDays), [30])
    recorder.close()
    metadata.close()
  })

  it("has instances whose tags are its settings, before there are outputs", async () => {
    const data = await launchDataOf(moto, stack)
    assert.deepStrictEqual(
      [data["MetadataOptions"].HttpTokens, data["MetadataOptions"].InstanceMetadataTags],
      ["required", "enabled"]
    )
    const tags: Record<string, string> = Object.fromEntries(
      data["TagSpecifications"][0].Tags.map(({ Key, Value }: { Key: string; Value: string }) => [Key, Value])
    )
    const { Name, ...settings } = tags
    assert.strictEqual(Name, "reference")
    const { ServiceSecurityGroup: _group, ServiceUrl: _url, ...outputs } = stack.outputs
    assert.deepStrictEqual(settings, outputs)

    const metadata = await startMetadata(instance(tags))
    const service = await startOnAws(moto.direct, { env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url } })
    assert.strictEqual((await settingsOf(service)).get("logGroup"), "/reference from instance tag LogGroup")
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0, service.stderr())
    metadata.close()
  })

  it("boots its instances with the text that user-data prints", async () => {
    const { UserData: encoded = "" } = await launchDataOf(moto, stack)
    const script = Buffer.from(encoded, "base64").toString()
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
    assert.isBelow(script.length, 16_384)
    const artefact = ["--bucket=releases", "--key=reference/1.1.ab41cd/main.js", `--sha256=${"0".repeat(64)}`]
    const machine = ["--region=eu-west-1", "--node-package=nodejs24"]
    const signals = ["--signal-stack=reference-ec2", "--signal-resource=Group"]
    const forInit = [
      "--port=8080",
      "--admin-port=9990",
      "--lameduck=10s",
      "--shutdown-deadline=10s",
      "--flush-deadline=10s"
    ]
    const { stdout } = await command(["user-data", ...artefact, ...machine, ...signals, ...forInit])
    assert.strictEqual(script, stdout)
  })

  it("has alarms and a metric filter that CloudWatch takes", async () => {
    const of = (type: string) => Object.entries(stack.template.Resources).filter(([, { Type }]) => Type === type)
    // What only CloudFormation knows is a text here.
    const known = (value: unknown) =>
      JSON.parse(JSON.stringify(value).replaceAll(/{"(Fn::GetAtt|Ref)":[^}]*}/g, `"known-later"`))

    const logs = new CloudWatchLogsClient(clientOptions(moto.direct))
    const [[, filter] = []] = of("AWS::Logs::MetricFilter")
    const { FilterPattern: filterPattern, MetricTransformations: [transformation] } = known(filter?.Properties)
    const { MetricName: metricName, MetricNamespace: metricNamespace, MetricValue: metricValue } = transformation
    await logs.send(
      new PutMetricFilterCommand({
        logGroupName: "/reference",
        filterName: "errors",
        filterPattern,
        metricTransformations: [{ metricName, metricNamespace, metricValue }]
      })
    )
    const { metricFilters = [] } = await logs.send(new DescribeMetricFiltersCommand({ logGroupName: "/reference" }))
    assert.deepStrictEqual(metricFilters.map(({ metricTransformations }) => metricTransformations?.[0]?.metricName), [
      "log_errors_total"
    ])

    const metrics = new CloudWatchClient(clientOptions(moto.direct))
    const alarms = of("AWS::CloudWatch::Alarm")
    for (const [AlarmName, { Properties }] of alarms) {
      const { AlarmActions: _alarm, OKActions: _ok, ...properties } = known(Properties)
      await metrics.send(new PutMetricAlarmCommand({ AlarmName, ...properties }))
    }
    const { MetricAlarms = [] } = await metrics.send(new DescribeAlarmsCommand({}))
    assert.sameMembers(MetricAlarms.map(({ AlarmName }) => AlarmName), alarms.map(([name]) => name))
    assert.isAbove(alarms.length, 5)
  })

  it("gives an app what its own resources are", async () => {
    const { name, resources } = await create(moto, "ec2", queue)
    const metadata = await startMetadata(instance({ "aws:cloudformation:stack-name": name }))
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url }
    const service = await startOnAws(moto.direct, { file: queue, env })
    assert.strictEqual(await service.get(`${service.url}/url`), JSON.stringify(resources.get("Queue")))
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0, service.stderr())
    metadata.close()
  })
})

describe.runIf(present)("a stack on ECS made of the template", { timeout: 120_000 }, () => {
  it("is found by the service in one of its tasks, which ships there and asks for no more than its role allows", async () => {
    const actions = new Set<string>()
    const moto = await startMoto(actions)
    const stack = await create(moto, "ecs")
    const task = ["--task-definition", stack.resources.get("Task") ?? ""]
    const { taskDefinition } = await moto.aws<{ readonly taskDefinition: Record<string, any> }>(
      "ecs",
      "describe-task-definition",
      ...task
    )
    const container = taskDefinition["containerDefinitions"].find(({ name }: { name: string }) => name === "service")
    const { ADMIN_PORT: _admin, PORT: _port, ...env }: Record<string, string> = Object.fromEntries(
      container.environment.map(({ name, value }: { name: string; value: string }) => [name, value])
    )
    assert.strictEqual(container.stopTimeout, 35)
    const service = await startOnAws(moto.url, {
      environment: "ecs",
      env: { ...env, LAMEDUCK: "0s", ADMIN_HOST: "127.0.0.1" }
    })
    assert.strictEqual((await settingsOf(service)).get("logGroup"), "/reference from environment variable LOG_GROUP")
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0, service.stderr())
    assert.match((await messagesOf(moto, "/reference")).join("\n"), /^reference .* is ready/m)
    assert.deepStrictEqual([...actions].sort(), allowed(stack, "TaskRole").sort())
    await moto.close()
  })
})

describe("a bound that is an alarm of the stack", () => {
  it("makes the health of a process warn that leaves it", async () => {
    const service = await start({ file: queue, env: { QUEUE_URL: "http://queue", QUEUE_NAME: "queue" } })
    const document = await until(async () => {
      const document = await fetch(`${service.admin}/health`).then((response) => response.json()) as {
        readonly status: string
        readonly checks: Readonly<Record<string, ReadonlyArray<{ readonly output?: string }>>>
      }
      return document.checks["metric bounds"]?.[0]?.output === undefined ? undefined : document
    })
    assert.deepStrictEqual([document.status, document.checks["metric bounds"]?.[0]?.output], ["warn", "it runs"])
    service.signal("SIGTERM")
    await service.exit
  })
})
