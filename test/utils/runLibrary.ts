import { execFileSync } from "node:child_process"

/** What a function says of a module of the built library, in a process of its own that has loaded nothing else. */
export const runLibrary = (module: string, say: string): unknown => {
  const url = new URL(`../../dist/lib/${module}`, import.meta.url).href
  const program = `const say = ${say}
console.log(JSON.stringify(await say(await import(${JSON.stringify(url)}))))
process.exit()`
  return JSON.parse(
    execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" })
  )
}
