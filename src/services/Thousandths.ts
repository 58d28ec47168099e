/**
 * A text for each whole number below a thousand, of its three digits. Writing digits out takes longer than the rest of a
 * line, and making all thousand texts is felt in a start: each is made when it is first asked for.
 *
 * @category constructors
 * @since 1.1.0
 * @example
 * ```ts
 * make((digits) => `.${digits}`)(7) // .007
 * ```
 */
export const make = (write: (digits: string) => string): (number: number) => string => {
  const texts: Array<string | undefined> = []
  return (number) => texts[number] ??= write(String(number).padStart(3, "0"))
}
