import type { Blueprint } from "./Blueprint.ts"
import { limitOf, type MetricBound } from "./MetricBounds.ts"
import { attribute, choose, given, type Named, nothing, type Part, ref, type Value } from "./Stack.ts"

/**
 * The metric that counts lines of level `ERROR` and `FATAL`.
 *
 * @category constants
 * @since 1.1.0
 */
export const errorsMetric = "log_errors_total"

/**
 * The pattern of those lines, in the syntax of metric filters.
 *
 * @category constants
 * @since 1.1.0
 */
export const errorsPattern = `{ ($.level = "ERROR") || ($.level = "FATAL") }`

/**
 * The log group, what counts errors in it, and an alarm for each thing that has a bound: errors, the series of
 * `Blueprint.bounds`, and what the load balancer sees of its targets.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (blueprint: Blueprint): Part => {
  const { bounds, logGroup, namespace, retentionDays, service } = blueprint
  return {
    parameters: {
      AlarmTopicArn: { Type: "String", Default: "", Description: "SNS topic that alarms go to; empty: none" }
    },
    conditions: { AlarmTopicGiven: given("AlarmTopicArn") },
    resources: {
      LogGroup: {
        Type: "AWS::Logs::LogGroup",
        // What was logged outlives the stack, but not a stack that could not be created.
        DeletionPolicy: "RetainExceptOnCreate",
        UpdateReplacePolicy: "Retain",
        Properties: {
          LogGroupName: logGroup,
          ...(retentionDays === undefined ? {} : { RetentionInDays: retentionDays })
        }
      },
      LogErrors: {
        Type: "AWS::Logs::MetricFilter",
        Properties: {
          LogGroupName: ref("LogGroup"),
          FilterPattern: errorsPattern,
          MetricTransformations: [{
            MetricNamespace: namespace,
            MetricName: errorsMetric,
            MetricValue: "1",
            DefaultValue: 0,
            Unit: "Count"
          }]
        }
      },
      LogErrorsAlarm: alarm(`${service}: errors were logged; the log group ${logGroup} has them`, {
        ...series(namespace, errorsMetric, {}),
        ...compared({ kind: "atMost", value: 0, statistic: "Sum", minutes: 1 }, 60)
      }),
      ...Object.fromEntries(bounds.map((bound) => [alarmName(bound), alarmOf(bound, blueprint)])),
      ...balancerAlarms(service)
    }
  }
}

const alarmOf = (bound: MetricBound, { metricsInterval, namespace, service }: Blueprint): Value =>
  alarm(`${service}: ${bound.description}`, {
    ...series(namespace, bound.metric, { service, ...bound.attributes }),
    ...compared(limitOf(bound), Math.max(60, Math.ceil(metricsInterval / 60) * 60))
  })

const balancerAlarms = (service: string): Named => ({
  UnhealthyTargetsAlarm: alarm(`${service}: the load balancer has targets that are not ready`, {
    Namespace: "AWS/ApplicationELB",
    MetricName: "UnHealthyHostCount",
    Dimensions: targetDimensions,
    ...compared({ kind: "atMost", value: 0, statistic: "Maximum", minutes: 5 }, 60)
  }),
  TargetErrorsAlarm: alarm(`${service}: more than 1 % of all answers have a status from 500 on`, {
    ComparisonOperator: "GreaterThanThreshold",
    Threshold: 1,
    EvaluationPeriods: 5,
    TreatMissingData: "notBreaching",
    Metrics: [
      { Id: "percent", Label: "answers from 500 on", Expression: "100 * FILL(errors, 0) / requests" },
      ...[["errors", "HTTPCode_Target_5XX_Count"], ["requests", "RequestCount"]].map(([Id = "", MetricName = ""]) => ({
        Id,
        ReturnData: false,
        MetricStat: {
          Metric: { Namespace: "AWS/ApplicationELB", MetricName, Dimensions: targetDimensions },
          Period: 60,
          Stat: "Sum"
        }
      }))
    ]
  })
})

const targetDimensions: Value = [
  { Name: "LoadBalancer", Value: attribute("Balancer", "LoadBalancerFullName") },
  { Name: "TargetGroup", Value: attribute("Targets", "TargetGroupFullName") }
]

const alarm = (description: string, properties: Named): Value => ({
  Type: "AWS::CloudWatch::Alarm",
  Properties: {
    AlarmDescription: description,
    AlarmActions: [choose("AlarmTopicGiven", ref("AlarmTopicArn"), nothing)],
    OKActions: [choose("AlarmTopicGiven", ref("AlarmTopicArn"), nothing)],
    ...properties
  }
})

const series = (namespace: string, metric: string, dimensions: Readonly<Record<string, string>>): Named => ({
  Namespace: namespace,
  MetricName: metric,
  Dimensions: Object.entries(dimensions)
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([Name, Value]) => ({ Name, Value }))
})

const compared = ({ kind, minutes, statistic, value }: ReturnType<typeof limitOf>, period: number): Named => ({
  ...(statistic.startsWith("p") ? { ExtendedStatistic: statistic } : { Statistic: statistic }),
  Period: period,
  EvaluationPeriods: Math.max(1, Math.round(minutes * 60 / period)),
  ComparisonOperator: kind === "atMost" ? "GreaterThanThreshold" : "LessThanThreshold",
  Threshold: value,
  TreatMissingData: kind === "atMost" ? "notBreaching" : "breaching"
})

/**
 * The name that the alarm of a bound has in the template.
 *
 * @category getters
 * @since 1.1.0
 */
export const alarmName = (bound: MetricBound): string =>
  [bound.metric, ...Object.values(bound.attributes ?? {}), limitOf(bound).kind, "Alarm"]
    .flatMap((text) => text.split(/[^A-Za-z0-9]+/))
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("")
