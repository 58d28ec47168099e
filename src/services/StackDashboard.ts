import type { Blueprint } from "./Blueprint.ts"
import { limitOf, type MetricBound } from "./MetricBounds.ts"
import { type Part, sub } from "./Stack.ts"
import { errorsMetric } from "./StackTelemetry.ts"

const width = 12
const height = 6

/**
 * A dashboard: requests, answers from 500 on, latency, targets, errors logged, and each series that has a bound, with
 * the bound drawn in.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (blueprint: Blueprint): Part => {
  const { bounds, logGroup, service } = blueprint
  const namespace = plain(blueprint.namespace)
  const target = ["LoadBalancer", "${Balancer.LoadBalancerFullName}", "TargetGroup", "${Targets.TargetGroupFullName}"]
  const search = (metric: string, statistic: string) => [{
    expression:
      `SEARCH('{"${namespace}",operation,service,status_class} service="${service}" MetricName="${metric}"', ` +
      `'${statistic}', 60)`
  }]
  const panels = [
    panel("Answers by operation and status", [search("http_server_requests_total", "Sum")]),
    panel("Latency by operation, 99th percentile", [search("http_server_request_duration_seconds", "p99")]),
    panel("Answers, and those from 500 on", [
      ["AWS/ApplicationELB", "RequestCount", ...target, { stat: "Sum" }],
      ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", ...target, { stat: "Sum" }]
    ]),
    panel("Targets", [
      ["AWS/ApplicationELB", "HealthyHostCount", ...target, { stat: "Minimum" }],
      ["AWS/ApplicationELB", "UnHealthyHostCount", ...target, { stat: "Maximum" }]
    ]),
    panel("Errors logged", [[namespace, errorsMetric, { stat: "Sum" }]]),
    ...bounds.map((bound) => boundPanel(bound, namespace, service)),
    {
      type: "log",
      properties: {
        title: "Last errors",
        region: "${AWS::Region}",
        view: "table",
        query: `SOURCE '${logGroup}' | fields @timestamp, level, message, error, trace_id | ` +
          `filter level in ["ERROR", "FATAL"] | sort @timestamp desc | limit 50`
      }
    }
  ]
  const widgets = panels.map((widget, index) => ({
    ...widget,
    width,
    height,
    x: index % 2 * width,
    y: Math.floor(index / 2) * height
  }))
  return {
    resources: {
      Dashboard: { Type: "AWS::CloudWatch::Dashboard", Properties: { DashboardBody: sub(JSON.stringify({ widgets })) } }
    }
  }
}

const panel = (title: string, metrics: ReadonlyArray<ReadonlyArray<unknown>>, more: object = {}) => ({
  type: "metric",
  properties: { title, region: "${AWS::Region}", view: "timeSeries", period: 60, metrics, ...more }
})

const boundPanel = (bound: MetricBound, namespace: string, service: string) => {
  const { kind, statistic, value } = limitOf(bound)
  const dimensions = Object.entries({ service, ...bound.attributes }).flat().map(plain)
  const metric = plain(bound.metric)
  return panel(
    [metric, ...Object.values(bound.attributes ?? {}).map(plain)].join(" "),
    [[namespace, metric, ...dimensions, { stat: statistic }]],
    {
      annotations: {
        horizontal: [{
          label: kind === "atMost" ? "at most" : "at least",
          value,
          fill: kind === "atMost" ? "above" : "below"
        }]
      }
    }
  )
}

// In a text that CloudFormation substitutes names in, what looks like a name is none.
const plain = (text: string): string => text.replaceAll("${", "${!")
