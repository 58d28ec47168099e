import { none, rest, section, table } from "./AdminPageTable.ts"
import type { HealthDocument } from "./HealthDocument.ts"
import { clip } from "./Html.ts"
import type { Found, Report } from "./Settings.ts"

const most = { settings: 40, outputs: 15 }

/**
 * Where the process runs and how it is set: what differs from the defaults first, secrets as `<redacted>`.
 *
 * @category rendering
 * @since 1.1.0
 */
export const settingsSection = (
  { environment }: HealthDocument,
  { otherOutputs, settings, stack }: Report
): string => {
  const set = settings.filter(({ source }) => source !== "default")
  const defaults = settings.filter(({ source }) => source === "default")
  const listed = otherOutputs.slice(0, most.outputs).map((name) => clip(name, 60)).join(", ")
  return section({
    id: "settings",
    title: "Environment and settings",
    note: `${clip(environment.kind, 40)}${stack === undefined ? "" : `, stack ${clip(stack, 150)}`}`,
    body: (set.length === 0
      ? none("Everything has its default.")
      : settingsTable("Settings that were set", set.slice(0, most.settings))) +
      (defaults.length === 0
        ? ""
        : `<details class="more"><summary>${defaults.length} at their default</summary>${
          settingsTable("Settings at their default", defaults.slice(0, Math.max(0, most.settings - set.length)))
        }</details>`) +
      rest(settings.length - most.settings, "/settings") +
      (listed === "" ? "" : `<p class="soft">Other outputs of the stack: ${listed}</p>`) +
      rest(otherOutputs.length - most.outputs, "/settings")
  })
}

const settingsTable = (caption: string, settings: ReadonlyArray<Found>) =>
  table(
    caption,
    [{ heading: "Setting" }, { heading: "Value" }, { heading: "Source" }],
    settings.map(({ setting, source, value }) => [
      clip(setting, 60),
      `<code>${clip(value, 100)}</code>`,
      clip(source, 80)
    ]),
    " pair"
  )
