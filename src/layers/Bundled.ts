/**
 * What a bundle knows of itself; it is not there when the sources themselves run.
 *
 * @category models
 * @since 1.1.0
 */
export interface Bundled {
  /** The bundle; the file of a part of it is this, `/` and the part's name. */
  readonly file: string
  /** The code of a part, by its name. */
  readonly code: (part: string) => string | undefined
  /** The map of all parts to their sources: JSON, brotli, base 85. */
  readonly map: () => string
  /** Only while the bundle is built, which runs it to find out what a start needs: called when that is known. */
  readonly rehearsed?: (() => void) | undefined
}

declare const __KEELSON_BUNDLE__: Bundled | undefined

/**
 * The bundle that this process runs.
 *
 * @category constants
 * @since 1.1.0
 */
export const bundled: Bundled | undefined = typeof __KEELSON_BUNDLE__ === "undefined" ? undefined : __KEELSON_BUNDLE__
