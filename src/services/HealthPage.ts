/**
 * What the page shows: the full health document, ready to be read by people.
 *
 * @category models
 * @since 1.1.0
 */
export interface Page {
  readonly service: string
  readonly version: string
  readonly status: string
  readonly state: string
  readonly environment: string
  readonly instance: string
  readonly startedAt: string
  readonly uptime: string
  readonly links: ReadonlyArray<{ readonly text: string; readonly href: string }>
  readonly checks: Table
  readonly ledger: Table
  readonly logs: Table
  readonly metrics: Table
}

/**
 * Rows under headings; `empty` is said when there are none. A cell that reads `pass`, `warn` or `fail` is coloured.
 *
 * @category models
 * @since 1.1.0
 */
export interface Table {
  readonly headings: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  readonly empty: string
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#39;" }

/**
 * Escapes text for HTML content and attributes.
 *
 * @category combinators
 * @since 1.1.0
 */
export const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "")

/**
 * The page's style sheet, inline; the content security policy allows it by its hash.
 *
 * @category constants
 * @since 1.1.0
 */
export const style = `:root{color-scheme:light dark;--line:#8884;--pass:#1a7f37;--warn:#9a6700;--fail:#cf222e}
@media(prefers-color-scheme:dark){:root{--pass:#3fb950;--warn:#d29922;--fail:#f85149}}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:1rem 0}dt{opacity:.7}dd{margin:0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line)}
td:first-child{white-space:nowrap}td:last-child{overflow-wrap:anywhere}code,td{font-variant-numeric:tabular-nums}
.pass{color:var(--pass);font-weight:600}.warn{color:var(--warn);font-weight:600}.fail{color:var(--fail);font-weight:600}`

/**
 * The SHA-256 of {@link style} for the content security policy, in base64; written here, since hashing at start costs
 * a start more than all of this page.
 *
 * @category constants
 * @since 1.1.0
 */
export const styleHash = "Q8rJu6ZBTt3eyTsDIpBaPb98PWwETGPsrXxzEqxTh5s="

const marked = (text: string) =>
  text === "pass" || text === "warn" || text === "fail" ? `<span class="${text}">${text}</span>` : escape(text)

const section = (title: string, { empty, headings, rows }: Table) =>
  `<h2>${escape(title)}</h2>` + (rows.length === 0
    ? `<p>${escape(empty)}</p>`
    : `<div class="scroll"><table><thead><tr>${
      headings.map((heading) => `<th scope="col">${escape(heading)}</th>`).join("")
    }</tr></thead><tbody>${
      rows.map((row) => `<tr>${row.map((cell) => `<td>${marked(cell)}</td>`).join("")}</tr>`).join("")
    }</tbody></table></div>`)

/**
 * Renders the page: no script, no external asset, everything escaped.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = (page: Page): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${
    escape(`${page.service} ${page.status}`)
  }</title><meta name="viewport" content="width=device-width,initial-scale=1"><style>${style}</style></head><body>` +
  `<main><h1>${escape(page.service)} ${marked(page.status)}</h1><dl>${
    [
      ["Version", page.version],
      ["State", page.state],
      ["Environment", page.environment],
      ["Instance", page.instance],
      ["Started", page.startedAt],
      ["Uptime", page.uptime]
    ].map(([term = "", text = ""]) => `<dt>${term}</dt><dd>${escape(text)}</dd>`).join("")
  }</dl>` +
  section("Checks", page.checks) +
  section("Delivery", page.ledger) +
  section("Last 10 log entries", page.logs) +
  section("Last 10 metrics", page.metrics) +
  `<p>${page.links.map(({ href, text }) => `<a href="${escape(href)}">${escape(text)}</a>`).join(" · ")}</p>` +
  `</main></body></html>`
