/**
 * One call that a service makes to AWS, when it makes it, and what it is made of.
 *
 * **Details**
 *
 * `scope` is what the call can be narrowed to. `by` is who makes it: the service itself, or the script that boots it.
 * `template` tells whether the role of the stack template has it.
 *
 * @category models
 * @since 1.1.0
 */
export interface Permission {
  readonly action: string
  readonly when: string
  readonly scope: keyof typeof scopes
  readonly by: "service" | "boot"
  readonly template: boolean
}

/**
 * What calls can be narrowed to, in words; `orders` and `orders-prod` stand for the service and its stack.
 *
 * @category constants
 * @since 1.1.0
 */
export const scopes = {
  streams: "the log group's streams: `arn:aws:logs:*:*:log-group:/orders:log-stream:*`",
  group: "the log group: `arn:aws:logs:*:*:log-group:/orders:*`",
  namespace: "`*`; narrow it by the condition `cloudwatch:namespace`",
  stack: "the stack: `arn:aws:cloudformation:*:*:stack/orders-prod/*`",
  artefacts: "the service's artefacts: `arn:aws:s3:::bucket/orders/*`",
  any: "`*`"
}

/**
 * Every call of the chassis. Whatever it asks of AWS is here, and docs/iam.md is this table.
 *
 * @category constants
 * @since 1.1.0
 */
export const permissions: ReadonlyArray<Permission> = [
  { action: "logs:PutLogEvents", when: "always", scope: "streams", by: "service", template: true },
  { action: "logs:CreateLogStream", when: "always, once a start", scope: "group", by: "service", template: true },
  {
    action: "logs:CreateLogGroup",
    when: "a log group that does not exist yet",
    scope: "group",
    by: "service",
    template: false
  },
  {
    action: "logs:PutRetentionPolicy",
    when: "a log group that this service created, unless `--log-retention never`",
    scope: "group",
    by: "service",
    template: false
  },
  { action: "cloudwatch:PutMetricData", when: "always", scope: "namespace", by: "service", template: true },
  {
    action: "cloudformation:DescribeStacks",
    when: "settings from a stack's outputs; `Locator.output`",
    scope: "stack",
    by: "service",
    template: true
  },
  { action: "cloudformation:ListExports", when: "`Locator.exported`", scope: "any", by: "service", template: false },
  {
    action: "s3:GetObject",
    when: "the boot script of `template` and `user-data`",
    scope: "artefacts",
    by: "boot",
    template: true
  }
]

/**
 * The table as Markdown, as docs/iam.md has it.
 *
 * @category rendering
 * @since 1.1.0
 */
export const markdown = (): string =>
  [
    "| action | when | resource |",
    "| --- | --- | --- |",
    ...permissions.map(({ action, scope, when }) => `| \`${action}\` | ${when} | ${scopes[scope]} |`)
  ].join("\n")
