import * as Context from "effect/Context"

/**
 * What the build stamped into the file: `1.1.ab41cd`, or `1.1.ab41cd+CHANGES` when the work tree was dirty.
 *
 * Sources run without a build (tests, `node src/main.ts`) have the default.
 *
 * @category references
 * @since 1.1.0
 */
export const Version = Context.Reference<string>("keelson/services/BuildInfo/Version", {
  defaultValue: () => typeof __KEELSON_VERSION__ === "string" ? __KEELSON_VERSION__ : "0.0.unbuilt"
})

declare const __KEELSON_VERSION__: unknown

/**
 * The service's name: log group, page title, CLI name.
 *
 * @category references
 * @since 1.1.0
 */
export const ServiceName = Context.Reference<string>("keelson/services/BuildInfo/ServiceName", {
  defaultValue: () => "service"
})
