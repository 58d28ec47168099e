import { Profile } from "pprof-format"

/**
 * A function with what it and all it called took.
 *
 * @category models
 * @since 1.1.0
 */
export interface Node {
  readonly name: string
  readonly place: string
  value: number
  readonly children: Map<string, Node>
}

/**
 * A profile as a tree of calls, the unit of its values, and of a difference how much became `less`: that is in no tree, for
 * a part would be greater than the whole.
 *
 * @category models
 * @since 1.1.0
 */
export interface FlameGraph {
  readonly root: Node
  readonly unit: string
  readonly less: number
}

const makeNode = (name: string, place: string): Node => ({ name, place, value: 0, children: new Map() })

/**
 * Reads a profile (not compressed) as a tree of calls. Of several sample types the last counts.
 *
 * @category parsing
 * @since 1.1.0
 */
export const parse = (bytes: Uint8Array): FlameGraph => {
  const profile = Profile.decode(bytes)
  const { strings } = profile.stringTable
  const text = (index: number | bigint | undefined) => strings[Number(index ?? 0)] ?? ""
  const functions = new Map(profile.function.map((found) => [Number(found.id), found]))
  const locations = new Map(profile.location.map((found) => [Number(found.id), found]))
  const type = profile.sampleType.length - 1
  const root = makeNode("all", "")
  let less = 0
  for (const { locationId, value } of profile.sample) {
    // Its reader takes what is below zero for what is beyond all bounds.
    const amount = Number(BigInt.asIntN(64, BigInt(value[type] ?? 0)))
    if (amount < 0) {
      less -= amount
      continue
    }
    root.value += amount
    let node = root
    for (const id of [...locationId].reverse()) {
      const line = locations.get(Number(id))?.line[0]
      const found = functions.get(Number(line?.functionId))
      const name = text(found?.name)
      const place = `${text(found?.filename)}:${line?.line ?? 0}`
      const key = `${name} ${place}`
      const child = node.children.get(key) ?? makeNode(name, place)
      node.children.set(key, child)
      child.value += amount
      node = child
    }
  }
  return { root, unit: text(profile.sampleType[type]?.unit), less }
}

const childrenOf = ({ children }: Node): ReadonlyArray<Node> =>
  [...children.values()].filter(({ value }) => value > 0).sort((a, b) => b.value - a.value)

const amount = (value: number, unit: string): string => {
  if (unit === "nanoseconds") return `${(value / 1e6).toFixed(1)} ms`
  if (unit === "bytes") return `${(value / 2 ** 20).toFixed(2)} MiB`
  return String(value)
}

const total = ({ less, root, unit }: FlameGraph): string =>
  less === 0
    ? `${amount(root.value, unit)} in all`
    : `${amount(root.value, unit)} more in all, and ${amount(less, unit)} less elsewhere`

const share = (value: number, of: number): string => `${(of === 0 ? 0 : value / of * 100).toFixed(1)}%`

const smallestShare = 0.005
const barWidth = 20

/**
 * Draws the graph as lines for a terminal: callers above what they call, a bar and a share each. What takes less than
 * half a percent is left out.
 *
 * @category rendering
 * @since 1.1.0
 */
export const renderText = (graph: FlameGraph): string => {
  const { root } = graph
  const lines: Array<string> = []
  const walk = (node: Node, depth: number) => {
    const part = root.value === 0 ? 0 : node.value / root.value
    if (part < smallestShare && depth > 0) return
    const bar = "█".repeat(Math.round(part * barWidth)).padEnd(barWidth, "·")
    lines.push(`${bar} ${share(node.value, root.value).padStart(6)} ${"  ".repeat(depth)}${node.name} ${node.place}`)
    for (const child of childrenOf(node)) walk(child, depth + 1)
  }
  walk(root, 0)
  return `${total(graph)}\n${lines.map((line) => line.trimEnd()).join("\n")}\n`
}

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/**
 * Draws the graph as one HTML page that needs nothing else: callers above what they call, as wide as their share. A click
 * on a function leaves it and what it calls; the figures are in its title.
 *
 * @category rendering
 * @since 1.1.0
 */
export const renderHtml = (graph: FlameGraph, title: string): string => {
  const { root, unit } = graph
  const draw = (node: Node, parent: number): string => {
    const width = parent === 0 ? 100 : node.value / parent * 100
    const figures = `${node.name} ${node.place}\n${amount(node.value, unit)}, ${share(node.value, root.value)} of all`
    const children = childrenOf(node).filter(({ value }) => value / root.value >= smallestShare)
    return `<li style="width:${width.toFixed(3)}%"><button type="button" title="${escape(figures)}" style="--hue:${
      hueOf(node.place)
    }">${escape(node.name)}</button>${
      children.length === 0 ? "" : `<ul>${children.map((child) => draw(child, node.value)).join("")}</ul>`
    }</li>`
  }
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<style>
body { font: 12px/18px ui-monospace, monospace; margin: 1em; color-scheme: light dark }
ul { display: flex; list-style: none; margin: 0; padding: 0 }
li { min-width: 0; overflow: hidden }
button { display: block; width: calc(100% - 1px); overflow: hidden; white-space: nowrap; padding: 0 2px;
  margin: 0 1px 1px 0; border: 0; font: inherit; text-align: left; cursor: pointer; color: #000;
  background: hsl(var(--hue) 70% 75%) }
button:hover, button:focus { background: hsl(var(--hue) 90% 60%) }
li.hidden { display: none }
li.whole { width: 100% !important }
</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p>${escape(total(graph))}. Click a function to see it alone, the first bar to see everything.</p>
<ul>${draw(root, 0)}</ul>
<script>
document.addEventListener("click", ({ target }) => {
  const chosen = target.closest("li")
  if (chosen === null) return
  for (const item of document.querySelectorAll("li")) item.classList.remove("hidden", "whole")
  for (let item = chosen; item !== null; item = item.parentElement.closest("li")) {
    item.classList.add("whole")
    for (const sibling of item.parentElement.children) if (sibling !== item) sibling.classList.add("hidden")
  }
})
</script>
</body>
</html>
`
}

// One file, one colour.
const hueOf = (place: string): number => {
  let hash = 0
  for (const character of place.replace(/:\d+$/, "")) hash = (hash * 31 + character.charCodeAt(0)) % 360
  return hash
}
