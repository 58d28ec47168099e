import { assert } from "@effect/vitest"

interface Stanza {
  readonly name: string
  /** Its arguments without quotes and backslashes. */
  readonly words: ReadonlyArray<string>
  /** What follows its name, as it is. */
  readonly rest: string
}

const number = /^-?\d+$/
const event = /^(starting|started|stopping|stopped|runlevel|startup|filesystem)$/
const limits = "as core cpu data fsize memlock msgqueue nice nofile nproc rss rtprio sigpending stack".split(" ")

// Each stanza of init(5) that takes one line, with what may follow it.
const grammar: Readonly<Record<string, (words: ReadonlyArray<string>) => boolean>> = {
  author: (words) => words.length === 1,
  chdir: (words) => words.length === 1 && words[0]?.startsWith("/") === true,
  chroot: (words) => words.length === 1 && words[0]?.startsWith("/") === true,
  console: ([to, ...more]) => more.length === 0 && ["none", "log", "output", "owner"].includes(to ?? ""),
  description: (words) => words.length === 1,
  env: (words) => words.length === 1 && /^[A-Za-z_]\w*=/.test(words[0] ?? ""),
  exec: (words) => words.length > 0,
  "kill signal": ([signal, ...more]) => more.length === 0 && /^(SIG)?[A-Z]+\d*$|^\d+$/.test(signal ?? ""),
  "kill timeout": ([seconds, ...more]) => more.length === 0 && /^\d+$/.test(seconds ?? ""),
  limit: ([resource, ...values]) =>
    limits.includes(resource ?? "") && values.length === 2 &&
    values.every((value) => number.test(value) || value === "unlimited"),
  nice: ([level, ...more]) => more.length === 0 && number.test(level ?? ""),
  "normal exit": (words) => words.length > 0,
  "oom score": ([score, ...more]) => more.length === 0 && (number.test(score ?? "") || score === "never"),
  "post-start exec": (words) => words.length > 0,
  "post-stop exec": (words) => words.length > 0,
  "pre-start exec": (words) => words.length > 0,
  "pre-stop exec": (words) => words.length > 0,
  respawn: (words) => words.length === 0,
  "respawn limit": ([count, interval, ...more]) =>
    (count === "unlimited" && interval === undefined) ||
    (more.length === 0 && /^\d+$/.test(count ?? "") && /^\d+$/.test(interval ?? "")),
  setgid: (words) => words.length === 1,
  setuid: (words) => words.length === 1,
  "start on": ([name, ...more]) => event.test(name ?? "") && more.length <= 1,
  "stop on": ([name, ...more]) => event.test(name ?? "") && more.length <= 1,
  umask: ([mask, ...more]) => more.length === 0 && /^0?[0-7]{3}$/.test(mask ?? ""),
  usage: (words) => words.length === 1,
  version: (words) => words.length === 1
}

// A quote ends at the same one, a backslash takes the next character as it is, within quotes too.
const words = (line: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let word: string | undefined
  let quote = ""
  for (let index = 0; index < line.length; index++) {
    const character = line[index] ?? ""
    if (character === "\\") word = (word ?? "") + (line[++index] ?? assert.fail("a continued line"))
    else if (quote !== "") {
      if (character === quote) quote = ""
      else word = (word ?? "") + character
    } else if (character === "\"" || character === "'") {
      quote = character
      word ??= ""
    } else if (character === " ") {
      if (word !== undefined) found.push(word)
      word = undefined
    } else {
      assert.notStrictEqual(character, "#", "a comment begins")
      word = (word ?? "") + character
    }
  }
  assert.strictEqual(quote, "", "a quote does not end")
  if (word !== undefined) found.push(word)
  return found
}

/** The stanzas of an Upstart job; fails at the first that init(5) does not have in this form. */
export const check = (text: string): ReadonlyArray<Stanza> =>
  text.split("\n").flatMap((line) => {
    if (line === "" || line.startsWith("#")) return []
    const [first = "", second = ""] = line.split(" ")
    const name = [`${first} ${second}`, first].find((name) => name in grammar) ?? assert.fail(`no stanza: ${line}`)
    const rest = line.slice(name.length).trim()
    const found = words(rest)
    assert.isTrue(grammar[name]?.(found), `not the form of ${name}: ${line}`)
    return [{ name, rest, words: found }]
  })
