/**
 * Writes bytes as ASCII that may stand in a comment, with five characters for four bytes, where base64 takes five and a
 * third. It is read by JavaScript, not by Node: for what is read rarely.
 *
 * **Details**
 *
 * As Ascii85 (https://en.wikipedia.org/wiki/Ascii85), with the digits `#` to `x`, of which `*` is left out.
 *
 * @category encoding
 * @since 1.1.0
 */
export const base85 = (bytes: Uint8Array): string => {
  let text = ""
  for (let at = 0; at < bytes.length; at += 4) {
    let word = 0
    for (let index = 0; index < 4; index++) word = word * 256 + (bytes[at + index] ?? 0)
    let digits = ""
    for (let index = 0; index < 5; index++) {
      const digit = word % 85
      digits = String.fromCharCode(digit < 7 ? digit + 35 : digit + 36) + digits
      word = Math.floor(word / 85)
    }
    text += digits.slice(0, Math.min(4, bytes.length - at) + 1)
  }
  return text
}
