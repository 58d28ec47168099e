import * as Context from "effect/Context"
import type * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as DocsPage from "../services/DocsPage.ts"

/**
 * The OpenAPI document of an API as JSON, and the page that shows it. Who starts does not need it: import it when asked.
 *
 * @category rendering
 * @since 1.1.0
 */
export const make = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  about: { readonly title: string; readonly version: string }
): { readonly json: string; readonly page: string } => {
  const spec = OpenApi.fromApi(api.annotateMerge(Context.merge(OpenApi.annotations(about), api.annotations)))
  return { json: JSON.stringify(spec), page: DocsPage.render(spec) }
}
