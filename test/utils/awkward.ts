const alphabet = [
  ..."abcXYZ019 ",
  ..."\"'`\\$%{}()[];&|<>*?~!#=,:@+-_./^",
  "é",
  "漢",
  "🜁",
  "$$",
  "%%",
  "\\n",
  "${HOME}",
  "$PATH",
  "%n",
  "\\x41",
  "  ",
  "\\\""
]

const random = (seed: number) => {
  let state = seed >>> 0
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Texts of every length from none, made of what the formats of units give a meaning to. */
export const awkward = (seed: number, count: number): ReadonlyArray<string> => {
  const next = random(seed)
  return Array.from(
    { length: count },
    () => Array.from({ length: next(12) }, () => alphabet[next(alphabet.length)]).join("")
  )
}
