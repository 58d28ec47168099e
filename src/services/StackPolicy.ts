import { type Permission, permissions } from "./Permissions.ts"
import { ref, sub, type Value } from "./Stack.ts"

/**
 * A statement of a policy as IAM has it. One about every resource says why it must be (`because`).
 *
 * @category models
 * @since 1.1.0
 */
export interface Statement {
  readonly Effect: "Allow" | "Deny"
  readonly Action: string | ReadonlyArray<string>
  readonly Resource: Value
  readonly Condition?: Value
  readonly because?: string
}

const resources: Readonly<Record<Permission["scope"], (service: string) => Value>> = {
  streams: () => sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${LogGroup}:log-stream:*"),
  group: () => sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${LogGroup}:*"),
  stack: () => sub("arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/${AWS::StackName}/*"),
  artefacts: (service) => sub(`arn:\${AWS::Partition}:s3:::\${ArtefactBucket}/${service}/*`),
  namespace: () => "*",
  any: () => "*"
}

const reasons: Readonly<Partial<Record<Permission["scope"], string>>> = {
  namespace: "AWS has no resource of this call; the condition narrows it to the service's namespace"
}

/**
 * The statements that the chassis needs in the stack: one for each of its {@link permissions} that the template grants.
 *
 * @category constructors
 * @since 1.1.0
 */
export const own = (options: { readonly service: string; readonly namespace: Value }): ReadonlyArray<Statement> =>
  permissions.filter(({ template }) => template).map(({ action, scope }) => ({
    Effect: "Allow",
    Action: action,
    Resource: resources[scope](options.service),
    ...(scope === "namespace"
      ? { Condition: { StringEquals: { "cloudwatch:namespace": options.namespace } } }
      : {}),
    ...(reasons[scope] === undefined ? {} : { because: reasons[scope] })
  }))

/**
 * The policy document of statements, those that are about every resource with their reasons, and those of them that
 * have none.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (
  statements: ReadonlyArray<Statement>
): {
  readonly document: Value
  readonly unscoped: Readonly<Record<string, string>>
  readonly problems: ReadonlyArray<string>
} => {
  const unscoped: Record<string, string> = {}
  const problems: Array<string> = []
  const written = statements.map(({ because, ...statement }) => {
    const wide = [statement.Resource].flat().includes("*")
    const actions = [statement.Action].flat().join(", ")
    if (wide && statement.Effect === "Allow") {
      if (because === undefined) {
        problems.push(`the statement of ${actions} is about every resource: name them, or say why not (because)`)
      } else unscoped[actions] = because
    }
    return statement as unknown as Value
  })
  return { document: { Version: "2012-10-17", Statement: written }, unscoped, problems }
}

/**
 * What lets an AWS service take a role.
 *
 * @category constructors
 * @since 1.1.0
 */
export const trust = (service: string, condition?: Value): Value => ({
  Version: "2012-10-17",
  Statement: [{
    Effect: "Allow",
    Principal: { Service: service },
    Action: "sts:AssumeRole",
    ...(condition === undefined ? {} : { Condition: condition })
  }]
})

/**
 * ECS may take a role for tasks of this account alone
 * (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html).
 *
 * @category constants
 * @since 1.1.0
 */
export const thisAccount: Value = { StringEquals: { "aws:SourceAccount": ref("AWS::AccountId") } }
