import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { OperationField } from "../services/OperationField.ts"
import * as OperationRequest from "../services/OperationRequest.ts"
import type { Operation } from "../services/Operations.ts"

/**
 * One call of an operation, ready to be sent.
 *
 * `input` names where the body comes from: a file, or `-` for standard input.
 *
 * @category models
 * @since 1.1.0
 */
export interface OperationCall {
  readonly operation: Operation
  readonly request: OperationRequest.OperationRequest
  readonly input: string | undefined
  readonly target: string | undefined
  readonly json: boolean
}

/**
 * Makes a command of each operation, under a command of its group.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = <E, R>(
  operations: ReadonlyArray<Operation>,
  { call, refuse }: {
    readonly call: (call: OperationCall) => Effect.Effect<void, E, R>
    readonly refuse: (error: OperationRequest.OperationInputError, json: boolean) => Effect.Effect<never, E, R>
  }
) => {
  const command = (operation: Operation) =>
    Command.make(operation.name, flagsOf(operation), (values) =>
      Effect.suspend(() => {
        const { header, input, json, target, ...texts } = valuesOf(values)
        const exact = json?.[0] === "true"
        const request = Result.flatMap(headersOf(header ?? []), (headers) =>
          Result.map(OperationRequest.make(operation, texts, { input: input !== undefined }), (request) => ({
            ...request,
            headers: [
              ...request.headers.filter(([name]) =>
                !headers.some(isCalled(name))
              ),
              ...headers
            ]
          })))
        return Result.match(request, {
          onFailure: (error) => refuse(error, exact),
          onSuccess: (request) => call({ operation, request, input: input?.[0], target: target?.[0], json: exact })
        })
      })).pipe(Command.withDescription(operation.description))

  const groups = [...new Set(operations.map(({ group }) => group))].filter((group) => group !== undefined)
  return [
    ...groups.map((group) =>
      Command.make(group).pipe(
        Command.withDescription(`the operations of ${group}`),
        Command.withSubcommands(operations.filter((operation) => operation.group === group).map(command))
      )
    ),
    ...operations.filter(({ group }) => group === undefined).map(command)
  ]
}

// What is said as a header is meant instead of what the operation would send.
const isCalled = (name: string) => ([given]: readonly [string, string]) => given.toLowerCase() === name.toLowerCase()

type Texts = Readonly<Record<string, ReadonlyArray<string>>>

const flagsOf = ({ body, fields }: Operation): Record<string, Flag.Flag<unknown>> => ({
  ...Object.fromEntries(fields.map((field) => [field.flag, flagOf(field)])),
  ...(body === undefined ? {} : {
    input: Flag.String("input").pipe(
      Flag.withDescription(
        `file with the request body (${body.contentType}), - for standard input` +
          (body.kind === "bytes" && body.required ? ", required" : "")
      ),
      Flag.optional
    )
  }),
  header: Flag.String("header").pipe(Flag.withDescription("request header, as Name: value"), Flag.atLeast(0)),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("exact bytes on a terminal, errors as one JSON line"),
    Flag.withDefault(false)
  ),
  target: Flag.String("target").pipe(
    Flag.withDescription("URL of a running service to call instead of running the operation here"),
    Flag.optional
  )
})

const flagOf = ({ description, flag, kind, repeated, required, slot }: OperationField): Flag.Flag<unknown> => {
  const needed = required && !(slot === "body" && repeated)
  const said = [description, slot === "body" ? "" : slot, needed ? "required" : ""].filter((part) => part !== "")
  const plain: Flag.Flag<unknown> = kind._tag === "Boolean" && !repeated
    ? Flag.Boolean(flag)
    : kind._tag === "Choice"
    ? Flag.Literals(flag, kind.choices.map(String))
    : Flag.String(flag).pipe(Flag.withMetavar(kind._tag === "Text" ? "text" : kind._tag.toLowerCase()))
  const described = plain.pipe(Flag.withDescription(said.join(", ")))
  return repeated ? Flag.atLeast(described, 0) : Flag.optional(described)
}

const valuesOf = (values: Readonly<Record<string, unknown>>): Texts =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const present = Option.isOption(value) ? Option.getOrUndefined(value) : value
      return present === undefined ? [] : [[name, (Array.isArray(present) ? present : [present]).map(String)]]
    })
  )

const headerOf = (text: string): [string, string] => {
  const colon = text.indexOf(":")
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
}

const headersOf = (texts: ReadonlyArray<string>) => {
  const problems = texts.filter((text) => !text.includes(":") || !OperationRequest.isHeader(...headerOf(text)))
    .map((text) => `--header: ${JSON.stringify(text)} is not of the form Name: value`)
  return problems.length === 0
    ? Result.succeed(texts.map(headerOf))
    : Result.fail(new OperationRequest.OperationInputError({ problems }))
}
