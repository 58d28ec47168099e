import { CloudWatchClient, DescribeAlarmsCommand, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch"
import {
  CloudWatchLogsClient,
  DescribeMetricFiltersCommand,
  PutMetricFilterCommand
} from "@aws-sdk/client-cloudwatch-logs"
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { startOnAws } from "./utils/aws.ts"
import { instance, startMetadata } from "./utils/metadata.ts"
import { present, startMoto } from "./utils/moto.ts"
import { command } from "./utils/service.ts"

interface Template {
  readonly Parameters: Readonly<Record<string, { readonly Type: string; readonly Default?: unknown }>>
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Record<string, any> }>>
  readonly Outputs: Readonly<Record<string, unknown>>
}

type Target = "ec2" | "ecs"

const directory = mkdtempSync(join(tmpdir(), "keelson-template-"))
afterAll(() => rmSync(directory, { recursive: true }))

const print = async (target: Target, ...flags: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await command(["template", "--target", target, ...flags])
  assert.strictEqual(code, 0, stderr)
  const file = join(directory, `${target}.json`)
  writeFileSync(file, stdout)
  return { text: stdout, file, template: JSON.parse(stdout) as Template }
}

// pip install cfn-lint; where CI is set it must be there.
const linter = process.env["CI"] !== undefined || spawnSync("cfn-lint", ["--version"]).error === undefined

describe.each<Target>(["ec2", "ecs"])("the template for %s", (target) => {
  it("is the same bytes each time, in each process", async () => {
    assert.strictEqual((await print(target)).text, (await print(target)).text)
  })

  it("is small enough to be given to CloudFormation as it is", async () => {
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert.isBelow((await print(target)).text.length, 51_200)
  })

  it.runIf(linter)("has no errors and no warnings", async () => {
    const { file } = await print(target)
    const { status, stdout } = spawnSync("cfn-lint", ["--", file], { encoding: "utf8" })
    assert.deepStrictEqual([status, stdout], [0, ""])
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

/** What an account has before the stack: a network, and a machine image under the name that the template asks for. */
const prepare = async (
  { aws }: Awaited<ReturnType<typeof startMoto>>,
  { template }: { readonly template: Template }
) => {
  const { Subnets = [] } = await aws("ec2", "describe-subnets")
  const subnets = Subnets.map(({ SubnetId }) => String(SubnetId)).slice(0, 2).join(",")
  const parameters: Record<string, string> = {
    VpcId: String(Subnets[0]?.["VpcId"]),
    BalancerSubnets: subnets,
    ServiceSubnets: subnets,
    ArtefactBucket: "releases",
    ArtefactKey: "reference/1.1.ab41cd/main.js",
    ArtefactSha256: "0".repeat(64),
    AdminCidr: "10.0.0.0/8"
  }
  return Object.entries(parameters)
    .filter(([name]) => name in template.Parameters)
    .map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }))
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

const create = async (target: Target) => {
  const actions = new Set<string>()
  const moto = await startMoto(actions)
  const printed = await print(target)
  const body = join(directory, `${target}-moto.json`)
  writeFileSync(body, forMoto(printed.text))
  const parameters = JSON.stringify(await prepare(moto, printed))
  const stack = ["--stack-name", `reference-${target}`]
  const flags = ["--template-body", `file://${body}`, "--parameters", parameters, "--capabilities", "CAPABILITY_IAM"]
  await moto.aws("cloudformation", "create-stack", ...stack, ...flags)
  const { Stacks: [created] = [] } = await moto.aws("cloudformation", "describe-stacks", ...stack)
  assert.strictEqual(created?.["StackStatus"], "CREATE_COMPLETE", JSON.stringify(created))
  const { Outputs = [] } = created as { readonly Outputs?: ReadonlyArray<Record<"OutputKey" | "OutputValue", string>> }
  const outputs = Object.fromEntries(Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]))
  const { StackResources = [] } = await moto.aws("cloudformation", "describe-stack-resources", ...stack)
  const resources = new Map(
    StackResources.map((found) => [found["LogicalResourceId"], String(found["PhysicalResourceId"])])
  )
  return { ...moto, ...printed, actions, outputs, resources }
}

/** The settings that a service found, with their sources. */
const settingsOf = async (service: Awaited<ReturnType<typeof startOnAws>>) => {
  const { settings } = JSON.parse(await service.get(`${service.admin}/settings`) ?? "{}") as {
    readonly settings: ReadonlyArray<{ readonly setting: string; readonly value: string; readonly source: string }>
  }
  return new Map(settings.map(({ setting, source, value }) => [setting, `${value} from ${source}`]))
}

const eventsOf = async ({ aws }: Awaited<ReturnType<typeof startMoto>>, group: string) => {
  const { events = [] } = await aws("logs", "filter-log-events", "--log-group-name", group)
  return events.map(({ message }) => JSON.parse(String(message)) as { readonly message: string; readonly seq: number })
}

/** The calls that the template's role allows a running service. */
const allowed = ({ template }: { readonly template: Template }, role: string) =>
  template.Resources[role]?.Properties["Policies"][0].PolicyDocument.Statement
    .map(({ Action }: { readonly Action: string }) => Action)
    .filter((action: string) => !action.startsWith("s3:"))

describe.runIf(present)("a stack made of the template", () => {
  it("is found by the service on one of its instances, which ships there and asks for no more than its role allows", async () => {
    const stack = await create("ec2")
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
    const metadata = await startMetadata(instance({ "aws:cloudformation:stack-name": "reference-ec2" }))
    const service = await startOnAws(stack.url, { env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url } })
    const found = await settingsOf(service)
    assert.strictEqual(found.get("logGroup"), "/reference from output LogGroup of stack reference-ec2")
    assert.strictEqual(found.get("shutdownDeadline"), "10s from output ShutdownDeadline of stack reference-ec2")
    await service.get(`${service.url}/greetings/you`)
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0, service.stderr())

    const messages = (await eventsOf(stack, "/reference")).map(({ message }) => message)
    assert.match(messages[0] ?? "", /^reference .* is ready/)
    assert.include(messages, "GET /greetings/:name 200")
    const { Metrics = [] } = await stack.aws("cloudwatch", "list-metrics", "--namespace", "reference")
    assert.isAbove(Metrics.length, 10)
    assert.deepStrictEqual([...stack.actions].sort(), allowed(stack, "InstanceRole").sort())
    const { logGroups = [] } = await stack.aws("logs", "describe-log-groups")
    assert.deepStrictEqual(logGroups.map(({ retentionInDays }) => retentionInDays), [30])
    metadata.close()
    await stack.close()
  })

  it("has instances whose tags are its settings, before there are outputs", async () => {
    const stack = await create("ec2")
    const { LaunchTemplateVersions: [version] = [] } = await stack.aws<
      { readonly LaunchTemplateVersions?: ReadonlyArray<{ readonly LaunchTemplateData: Record<string, any> }> }
    >("ec2", "describe-launch-template-versions", "--launch-template-id", stack.resources.get("LaunchTemplate") ?? "")
    const data = version?.LaunchTemplateData ?? {}
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
    const service = await startOnAws(stack.url, { env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url } })
    assert.strictEqual((await settingsOf(service)).get("logGroup"), "/reference from instance tag LogGroup")
    service.signal("SIGTERM")
    await service.exit
    metadata.close()
    await stack.close()
  })

  it("boots its instances with the text that user-data prints", async () => {
    const stack = await create("ec2")
    const { LaunchTemplateVersions: [version] = [] } = await stack.aws<
      { readonly LaunchTemplateVersions?: ReadonlyArray<{ readonly LaunchTemplateData: Record<string, string> }> }
    >("ec2", "describe-launch-template-versions", "--launch-template-id", stack.resources.get("LaunchTemplate") ?? "")
    const script = Buffer.from(version?.LaunchTemplateData["UserData"] ?? "", "base64").toString()
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
    assert.isBelow(script.length, 16_384)
    const artefact = ["--bucket=releases", "--key=reference/1.1.ab41cd/main.js", `--sha256=${"0".repeat(64)}`]
    const machine = ["--region=eu-west-1", "--node-package=nodejs24"]
    const signals = ["--signal-stack=reference-ec2", "--signal-resource=Group"]
    const forInit = ["--lameduck=10s", "--shutdown-deadline=10s", "--flush-deadline=10s"]
    const { stdout } = await command(["user-data", ...artefact, ...machine, ...signals, ...forInit])
    assert.strictEqual(script, stdout)
    await stack.close()
  })

  it("is found by the service in one of its tasks, which ships there and asks for no more than its role allows", async () => {
    const stack = await create("ecs")
    const { taskDefinition } = await stack.aws<{ readonly taskDefinition: Record<string, any> }>(
      "ecs",
      "describe-task-definition",
      "--task-definition",
      stack.resources.get("Task") ?? ""
    )
    const container = taskDefinition["containerDefinitions"].find(({ name }: { name: string }) => name === "service")
    const { ADMIN_PORT: _admin, PORT: _port, ...env }: Record<string, string> = Object.fromEntries(
      container.environment.map(({ name, value }: { name: string; value: string }) => [name, value])
    )
    assert.strictEqual(container.stopTimeout, 35)
    const service = await startOnAws(stack.url, {
      environment: "ecs",
      env: { ...env, LAMEDUCK: "0s", ADMIN_HOST: "127.0.0.1" }
    })
    assert.strictEqual((await settingsOf(service)).get("logGroup"), "/reference from environment variable LOG_GROUP")
    service.signal("SIGTERM")
    assert.strictEqual(await service.exit, 0, service.stderr())
    assert.match((await eventsOf(stack, "/reference"))[0]?.message ?? "", /^reference .* is ready/)
    assert.deepStrictEqual([...stack.actions].sort(), allowed(stack, "TaskRole").sort())
    await stack.close()
  })

  it("has alarms and a metric filter that CloudWatch takes", async () => {
    const stack = await create("ec2")
    const credentials = { accessKeyId: "test", secretAccessKey: "test" }
    const options = { endpoint: stack.direct, region: "eu-west-1", credentials }
    const of = (type: string) => Object.entries(stack.template.Resources).filter(([, { Type }]) => Type === type)
    // What only CloudFormation knows is a text here.
    const known = (value: unknown) =>
      JSON.parse(JSON.stringify(value).replaceAll(/{"(Fn::GetAtt|Ref)":[^}]*}/g, `"known-later"`))

    const logs = new CloudWatchLogsClient(options)
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

    const metrics = new CloudWatchClient(options)
    const alarms = of("AWS::CloudWatch::Alarm")
    for (const [AlarmName, { Properties }] of alarms) {
      const { AlarmActions: _alarm, OKActions: _ok, ...properties } = known(Properties)
      await metrics.send(new PutMetricAlarmCommand({ AlarmName, ...properties }))
    }
    const { MetricAlarms = [] } = await metrics.send(new DescribeAlarmsCommand({}))
    assert.sameMembers(MetricAlarms.map(({ AlarmName }) => AlarmName), alarms.map(([name]) => name))
    assert.isAbove(alarms.length, 5)
    await stack.close()
  })
})
