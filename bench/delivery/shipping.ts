import type { Text } from "./lines.ts"

/** What a subject may know beforehand. Endpoint, region and credentials are in the environment, as the AWS SDK reads them. */
export interface Options {
  readonly group: string
  readonly stream: string
  readonly lines: number
  readonly text: Text
}

/** A subject at work. */
export interface Shipping {
  readonly log: (line: string, n: number) => void
  readonly close: () => Promise<void>
  /** What the library told of lines it lost. */
  readonly said: () => string
  /** Bytes it keeps, if it says so. */
  readonly buffered?: () => number
}

/** What every file in `subjects/` exports. */
export interface Shipper {
  readonly start: (options: Options) => Promise<Shipping>
}
