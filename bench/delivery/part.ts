import type { Subject } from "./subjects.ts"

/** How to run a part; `report` is told what is under way, `fail` what a subject did not survive. */
export interface Options {
  readonly quick: boolean
  readonly rounds: number
  readonly seconds: number
  readonly report: (line: string) => void
  readonly fail: (subject: Subject, error: unknown) => void
}

/** Measures subjects and makes a section of markdown. */
export type Part = (subjects: ReadonlyArray<Subject>, options: Options) => Promise<string>

/** The result, or nothing for a subject that ended by itself. */
export const attempt = <A>(subject: Subject, { fail }: Options, run: () => Promise<A>): Promise<A | undefined> =>
  run().catch((error: unknown) => {
    fail(subject, error)
    return undefined
  })
