import * as Context from "effect/Context"
import type * as Layer from "effect/Layer"

/**
 * Something an app has to do on a machine before it is served there for the first time: done when its layer is built.
 *
 * **Details**
 *
 * `init` may run again at any time, so a step that was done already must do nothing. `undo` is for `--uninstall`.
 *
 * @category models
 * @since 1.1.0
 */
export interface InitStep<R> {
  readonly apply: Layer.Layer<never, unknown, R>
  readonly undo?: Layer.Layer<never, unknown, R> | undefined
}

/**
 * What `init` installs, and where: `root` is the directory of an image that is being built, else `/`.
 *
 * @category references
 * @since 1.1.0
 */
export const InitTarget = Context.Reference<{
  readonly name: string
  readonly root: string
  readonly user: string | undefined
}>("keelson/services/InitStep/InitTarget", {
  defaultValue: () => ({ name: "service", root: "/", user: undefined })
})
