import { readFileSync, realpathSync, statSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

/**
 * How this service is run again: node, its flags and the file; or the file alone where node is in it.
 *
 * @category constructors
 * @since 1.1.0
 */
export const words = (
  { node, root }: { readonly node: string | undefined; readonly root: string },
  self: Pick<NodeJS.Process, "argv" | "execArgv" | "execPath"> = process,
  single: boolean = process.getBuiltinModule("node:sea")?.isSea() ?? false
): ReadonlyArray<string> =>
  single
    ? [within(root, self.execPath)]
    : [node ?? within(root, self.execPath), ...self.execArgv, within(root, self.argv[1] ?? "")]

/**
 * A path as it is called when `root` is `/`.
 *
 * @category conversions
 * @since 1.1.0
 */
export const within = (root: string, path: string): string =>
  root !== "/" && path.startsWith(`${root}/`) ? path.slice(root.length) : path

/**
 * The file that is run, and the program that runs it where that is another.
 *
 * @category conversions
 * @since 1.1.0
 */
export const files = (words: ReadonlyArray<string>): { readonly file: string; readonly node: string | undefined } => {
  const file = words.at(-1) ?? ""
  return { file, node: words.length > 1 ? words[0] : undefined }
}

/**
 * The SHA-256 of a file below `root`, or an empty text where there is none.
 *
 * @category constructors
 * @since 1.1.0
 */
export const digest = async (root: string, path: string): Promise<string> => {
  const { createHash } = await import("node:crypto")
  try {
    return createHash("sha256").update(readFileSync(join(root, path))).digest("hex")
  } catch {
    return ""
  }
}

// ProtectHome and PrivateTmp replace these by empty directories.
const hidden = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"]

/**
 * What keeps a service from reading a file: it is not there, the unit hides it, or only its owner may.
 *
 * @category predicates
 * @since 1.1.0
 */
export const problems = (
  path: string,
  options: { readonly root: string; readonly name: string; readonly sandboxed: boolean; readonly anybody: boolean }
): ReadonlyArray<string> => {
  let real: string
  try {
    real = realpathSync(join(options.root, path))
  } catch {
    return [`${path}: no such file${options.root === "/" ? "" : ` in ${options.root}`}`]
  }
  const places = options.root === "/" ? [path, real] : [path, within(realpathSync(options.root), real)]
  const place = hidden.find((directory) => places.some((path) => path.startsWith(`${directory}/`)))
  return options.sandboxed && place !== undefined
    ? [
      `${path}: the service cannot see ${place}; put it elsewhere, such as /opt/${options.name}, and run init from there`
    ]
    : options.anybody
    ? closed(real, options.root === "/" ? "/" : realpathSync(options.root))
    : []
}

const closed = (path: string, root: string): ReadonlyArray<string> => {
  const shut = [
    ...((statSync(path).mode & 0o004) === 0 ? [`${path} (chmod o+r)`] : []),
    ...ancestors(path, root).filter((directory) => (statSync(directory).mode & 0o001) === 0).map((directory) =>
      `${directory} (chmod o+x)`
    )
  ]
  return shut.length === 0 ? [] : [`${path}: the service's account cannot read it because of ${shut.join(", ")}`]
}

const ancestors = (path: string, root: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let folder = dirname(path); folder !== normalize(root) && folder !== dirname(folder); folder = dirname(folder)) {
    found.push(folder)
  }
  return found
}
