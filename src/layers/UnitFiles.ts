import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { type Entry, marker } from "../services/Unit.ts"

/**
 * What has to be done for what is to be there, and nothing else, to be there.
 *
 * @category models
 * @since 1.1.0
 */
export type Change = Entry | { readonly kind: "remove"; readonly path: string }

/**
 * Compares what is there with what is to be there. `foreign` are paths that something else than `init` owns.
 *
 * @category constructors
 * @since 1.1.0
 */
export const compare = (
  root: string,
  desired: ReadonlyArray<Entry>,
  owned: ReadonlyArray<string>
): { readonly changes: ReadonlyArray<Change>; readonly foreign: ReadonlyArray<string> } => {
  const wanted = new Set(desired.map(({ path }) => path))
  const superfluous = owned.filter((path) => !wanted.has(path)).flatMap((path): ReadonlyArray<Change> =>
    look(root, path) === undefined ? [] : [{ kind: "remove", path }]
  )
  const changes = [...desired.filter((entry) => !isThere(root, entry)), ...superfluous]
  return { changes, foreign: changes.map(({ path }) => path).filter((path) => !ours(look(root, path), owned)) }
}

/**
 * Makes one change. A file is there with all of its text or, whatever happens, as before.
 *
 * @category running
 * @since 1.1.0
 */
export const make = (root: string, change: Change): void => {
  const path = join(root, change.path)
  const directory = dirname(path)
  if (change.kind === "remove") {
    rmSync(path)
    sync(directory)
    return
  }
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  // Always the same one: what a killed init left is not left twice.
  const temporary = join(directory, `.${basename(path)}.keelson`)
  rmSync(temporary, { force: true })
  try {
    if (change.kind === "link") symlinkSync(change.to, temporary)
    else write(temporary, change)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  sync(directory)
}

const write = (path: string, { mode, text }: Extract<Entry, { kind: "file" }>): void => {
  const file = openSync(path, "wx", 0o600)
  try {
    writeFileSync(file, text)
    fchmodSync(file, mode)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

const sync = (directory: string): void => {
  const handle = openSync(directory, "r")
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

type Found = { readonly text: string; readonly mode: number } | { readonly to: string } | undefined

const look = (root: string, path: string): Found => {
  const full = join(root, path)
  const stat = lstatSync(full, { throwIfNoEntry: false })
  return stat === undefined
    ? undefined
    : stat.isSymbolicLink()
    ? { to: readlinkSync(full) }
    : { text: stat.isFile() ? readFileSync(full, "utf8") : "", mode: stat.mode & 0o777 }
}

const isThere = (root: string, entry: Entry): boolean => {
  const found = look(root, entry.path)
  if (found === undefined) return false
  return entry.kind === "link"
    ? "to" in found && found.to === entry.to
    : "text" in found && found.text === entry.text && found.mode === entry.mode
}

const ours = (found: Found, owned: ReadonlyArray<string>): boolean =>
  found === undefined || ("to" in found ? owned.includes(found.to) : found.text.includes(marker))
