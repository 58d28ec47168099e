import { checksSection } from "./AdminPageChecks.ts"
import { ledgerSection } from "./AdminPageLedger.ts"
import { logsSection, template } from "./AdminPageLogs.ts"
import { metricsSection } from "./AdminPageMetrics.ts"
import { operationsSection } from "./AdminPageOperations.ts"
import { script, scriptHash } from "./AdminPageScript.ts"
import { settingsSection } from "./AdminPageSettings.ts"
import { style, styleHash } from "./AdminPageStyle.ts"
import { vitalsSection } from "./AdminPageVitals.ts"
import type { Status } from "./Health.ts"
import type { HealthDocument } from "./HealthDocument.ts"
import type { View } from "./History.ts"
import { clip, escape } from "./Html.ts"
import * as Human from "./HumanFormat.ts"
import * as LogLevels from "./LogLevels.ts"
import type { Report } from "./Settings.ts"

/**
 * What the page shows. `serviceUrl` is where the operations are served, once they are.
 *
 * @category models
 * @since 1.1.0
 */
export interface AdminPage {
  readonly document: HealthDocument
  readonly history: View
  readonly settings: Report
  readonly serviceUrl?: string | undefined
}

/**
 * What the page may do: its own style, script and icon, and asking its own listener. Nothing else, whatever got into it.
 *
 * @category constants
 * @since 1.1.0
 */
export const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; ` +
  `script-src 'sha256-${scriptHash}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; ` +
  "frame-ancestors 'none'; require-trusted-types-for 'script'"

/**
 * Renders the page people look at. It works without its script and asks for nothing from elsewhere.
 *
 * **Details**
 *
 * Everything is escaped, and cut: the page stays below 100 kB whatever was logged, measured or checked. What is cut is
 * whole in `/health`, `/logs` and `/settings`.
 *
 * @category rendering
 * @since 1.1.0
 */
export const render = (page: AdminPage): string => {
  const { document, history, settings } = page
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">` +
    `<title>${document.status} · ${clip(document.serviceId, 200)}</title>${
      icon(document.status)
    }<style>${style}</style>` +
    `</head><body><a class="skip" href="#checks">Skip to the checks</a>${top(page)}<main>` +
    vitalsSection(history) +
    checksSection(document) +
    operationsSection(history) +
    logsSection(document) +
    metricsSection(document, history) +
    ledgerSection(document) +
    settingsSection(document, settings) +
    `<footer><p>${clip(document.serviceId, 100)} ${
      clip(document.releaseId, 100)
    } · times are UTC</p></footer></main>${template}` +
    `<script>${script}</script></body></html>`
}

const marks: Record<Status, string> = {
  pass: "M7 12.5l3.5 3.5L17.5 8.5",
  warn: "M12 6.5v6.5M12 17v.1",
  fail: "M8 8l8 8M16 8l-8 8"
}

const iconColours: Record<Status, string> = { pass: "1a7434", warn: "b87a00", fail: "c01c2b" }

const icon = (status: Status) =>
  `<link rel="icon" href="data:image/svg+xml,${
    encodeURIComponent(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="11" fill="#${
        iconColours[status]
      }"/><path d="${marks[status]}" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>`
    )
  }">`

const top = ({ document, serviceUrl }: AdminPage) =>
  `<header class="top ${document.status}" id="status" data-live><div class="wrap"><div class="verdict">` +
  `<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path d="${
    marks[document.status]
  }"/></svg>` +
  `<div><h1>${clip(document.serviceId, 200)} <b>${document.status}</b></h1><ul class="why">${
    why(document).map((reason) => `<li>${reason}</li>`).join("")
  }</ul></div></div>${
    document.armed === undefined ?
      "" :
      `<p class="armed">Armed until ${document.armed.until.slice(0, 16).replace("T", " ")} UTC: ${
        clip(document.armed.reason, 300)
      }</p>`
  }` +
  `<dl class="facts">${
    facts(document).map(([term, text]) => `<div><dt>${term}</dt><dd>${clip(text, 300)}</dd></div>`).join("")
  }</dl></div></header><nav aria-label="Diagnostics"><div class="wrap"><div class="bar">${
    links(serviceUrl).map(([text, href]) => `<a href="${escape(href)}">${text}</a>`).join("")
  }<button id="live" type="button" aria-pressed="true" hidden>Live</button></div></div></nav>` +
  `<div class="stale" id="stale" role="status" hidden><p class="wrap"></p></div>`

const facts = (document: HealthDocument): ReadonlyArray<readonly [term: string, text: string]> => [
  ["Version", document.releaseId],
  [
    "Uptime",
    `${Human.seconds(document.uptimeSeconds)}, since ${document.startedAt.slice(0, 16).replace("T", " ")} UTC`
  ],
  ["State", document.state],
  ["Environment", document.environment.kind],
  ["Instance", document.environment.instance],
  ["Log level", LogLevels.describe(document.logLevel)]
]

const links = (serviceUrl: string | undefined): ReadonlyArray<readonly [text: string, href: string]> => [
  ["Profiles", "/debug/pprof/"],
  ["Fibers", "/debug/fibers"],
  ["Metrics", "/metrics"],
  ["Logs", "/logs"],
  ["Ledger", "/ledger"],
  ["Settings", "/settings"],
  ...(serviceUrl === undefined ? [] : [
    ["Operations", `${serviceUrl}/docs`] as const,
    ["OpenAPI", `${serviceUrl}/openapi.json`] as const
  ])
]

const shownReasons = 5

/**
 * Why the service has the status it has, the worst first, as HTML.
 *
 * @category rendering
 * @since 1.1.0
 */
export const why = ({ checks, state }: HealthDocument): ReadonlyArray<string> => {
  const all = Object.entries(checks).flatMap(([name, reports]) => reports.map((report) => ({ name, ...report })))
  const bad = (["fail", "warn"] as const).flatMap((status) => all.filter((report) => report.status === status))
  const reasons = bad.slice(0, shownReasons).map(({ name, output, status }) =>
    `<b class="${status}">${clip(name, 200)}</b>${output === undefined ? "" : `: ${clip(output, 400)}`}`
  )
  return [
    ...(state === "ready" ? [] : [`It is ${clip(state, 40)}.`]),
    ...(all.length === 0
      ? ["No checks are registered."]
      : bad.length === 0
      ? [all.length === 1 ? "Its one check passes." : `All ${all.length} checks pass.`]
      : reasons),
    ...(bad.length > shownReasons ? [`and ${bad.length - shownReasons} more below`] : [])
  ]
}
