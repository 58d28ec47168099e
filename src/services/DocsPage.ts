import type * as OpenApi from "effect/http-api/OpenApi"
import { style } from "./AdminPageStyle.ts"
import { escape } from "./Html.ts"

const json = (value: unknown) => `<pre>${escape(JSON.stringify(value, null, 2) ?? "")}</pre>`

const parameters = (operation: OpenApi.OpenAPISpecOperation) =>
  operation.parameters.map((parameter) =>
    `<tr><td><code>${escape(parameter.name)}</code></td><td>${parameter.in}</td><td>${
      parameter.required ? "required" : "optional"
    }</td><td><code>${escape(JSON.stringify(parameter.schema))}</code></td></tr>`
  ).join("")

const operation = (method: string, path: string, operation: OpenApi.OpenAPISpecOperation) => {
  const { description, operationId, requestBody, responses, summary } = operation
  const rows = parameters(operation)
  return `<h2 id="${escape(operationId)}">${method.toUpperCase()} <code>${escape(path)}</code></h2>` +
    `<p>${escape(summary ?? description ?? operationId)}</p>` +
    `<p>Command line: <code>${escape(operationId.replace(".", " "))}</code></p>` +
    (rows === "" ? "" : `<div class="scroll"><table><tbody>${rows}</tbody></table></div>`) +
    (requestBody === undefined ? "" : `<details><summary>Body</summary>${json(requestBody.content)}</details>`) +
    Object.entries(responses ?? {}).map(([status, { content, description }]) =>
      `<details><summary>${status} ${escape(description)}</summary>${json(content ?? {})}</details>`
    ).join("")
}

/**
 * Renders an OpenAPI document for people: each operation with its command, parameters, body and answers.
 *
 * No script, no external asset, everything escaped.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = (spec: OpenApi.OpenAPISpec): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escape(spec.info.title)}</title>` +
  `<meta name="viewport" content="width=device-width,initial-scale=1"><style>${style}</style></head><body><main>` +
  `<h1>${escape(spec.info.title)} ${escape(spec.info.version)}</h1>` +
  `<p>${escape(spec.info.description ?? "")} <a href="/openapi.json">openapi.json</a></p>` +
  Object.entries(spec.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, value]) => operation(method, path, value as OpenApi.OpenAPISpecOperation))
  ).join("") +
  `</main></body></html>`
