/** What a line is about: text of one byte a character or of three. */
export type Text = "plain" | "long" | "multibyte"

const start = `{"timestamp":"2026-11-23T12:00:00.000Z","level":"INFO","message":"`

// With what is around it, 200 and 300 bytes; and 200 characters alone.
const messages: Record<Text, string> = {
  plain: "order found, ".repeat(10).slice(0, 118),
  long: "order found, ".repeat(20).slice(0, 218),
  multibyte: "日本語".repeat(67).slice(0, 200)
}

/** One log line; the server tells it from others by `n`. */
export const makeLine = (text: Text, n: number): string => `${start}${messages[text]}","n":${n}}`
