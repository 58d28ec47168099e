/**
 * The media type of those `offered` that an `Accept` header prefers: by quality, then by its order. `undefined` where it
 * names none of them, or refuses what it names (`q=0`).
 *
 * @category getters
 * @since 1.1.0
 * @example
 * ```ts
 * preferred("text/html;q=0.1, application/json", ["text/html", "application/json"]) // "application/json"
 * ```
 */
export const preferred = <Type extends string>(
  accept: string | undefined,
  offered: ReadonlyArray<Type>
): Type | undefined =>
  (accept ?? "").toLowerCase().split(",").flatMap((part) => {
    const [named = "", ...parameters] = part.split(";").map((text) => text.trim())
    const quality = Number(parameters.find((text) => text.startsWith("q="))?.slice(2) ?? 1)
    const type = offered.find((type) => type === named)
    return type !== undefined && quality > 0 ? [{ type, quality }] : []
  }).sort((a, b) => b.quality - a.quality)[0]?.type
