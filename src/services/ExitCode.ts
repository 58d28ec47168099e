/**
 * The exit code of settings that cannot be used: `EX_CONFIG` of sysexits.h.
 *
 * @category constants
 * @since 1.1.0
 */
export const configError = 78

/**
 * The exit code when settings cannot be looked up for now: `EX_TEMPFAIL` of sysexits.h.
 *
 * @category constants
 * @since 1.1.0
 */
export const settingsUnavailable = 75

/**
 * The exit code of `init` when a file can be neither written nor removed: `EX_CANTCREAT` of sysexits.h.
 *
 * @category constants
 * @since 1.1.0
 */
export const cannotCreate = 73

/**
 * The exit code of a command whose standard output cannot be written, as on a full disk: `EX_IOERR` of sysexits.h.
 *
 * @category constants
 * @since 1.1.0
 */
export const outputError = 74

/**
 * The exit code of `wait-ready` when the service is not ready in time.
 *
 * @category constants
 * @since 1.1.0
 */
export const timedOut = 6

/**
 * The exit code of a command line that cannot be understood, and of input an operation refuses.
 *
 * @category constants
 * @since 1.1.0
 */
export const usageError = 2

/**
 * The exit code of a target that cannot be reached.
 *
 * @category constants
 * @since 1.1.0
 */
export const unavailable = 8

/**
 * What each exit code of an operation means, and the HTTP statuses that lead to it. A status that is not listed
 * exits 0 below 300 and 1 otherwise.
 *
 * @category constants
 * @since 1.1.0
 */
export const table: ReadonlyArray<{
  readonly code: number
  readonly meaning: string
  readonly statuses: ReadonlyArray<number>
}> = [
  { code: usageError, meaning: "the input was refused", statuses: [400, 405, 406, 411, 413, 414, 415, 421, 422, 431] },
  { code: 3, meaning: "not found", statuses: [404, 410] },
  { code: 4, meaning: "not allowed", statuses: [401, 403] },
  { code: 5, meaning: "conflict", statuses: [409, 412] },
  { code: timedOut, meaning: "timed out", statuses: [408, 504] },
  { code: 7, meaning: "throttled", statuses: [429] },
  { code: unavailable, meaning: "unavailable", statuses: [502, 503] }
]

const codes = new Map(table.flatMap(({ code, statuses }) => statuses.map((status) => [status, code])))

/**
 * The exit code of an operation that was answered with `status`.
 *
 * @category conversions
 * @since 1.1.0
 * @example
 * ```ts
 * fromStatus(404) // 3
 * ```
 */
export const fromStatus = (status: number): number => codes.get(status) ?? (status < 300 ? 0 : 1)

/**
 * The table as Markdown, as docs/exit-codes.md has it.
 *
 * @category rendering
 * @since 1.1.0
 */
export const markdown = (): string =>
  [
    "| exit code | meaning | HTTP status |",
    "| --- | --- | --- |",
    "| 0 | success | 2xx |",
    "| 1 | the operation failed | every status not named here |",
    ...table.map(({ code, meaning, statuses }) => `| ${code} | ${meaning} | ${statuses.join(", ")} |`)
  ].join("\n")
