import { clip } from "./Html.ts"

/**
 * A column of a table. `kind` is the class of its cells: `n` for numbers, `plot` for lines, `strips` for bars.
 *
 * @category models
 * @since 1.1.0
 */
export interface Column {
  readonly heading: string
  readonly kind?: string
}

/**
 * A part of the page that keeps up with the service, under its heading. Texts are HTML.
 *
 * @category rendering
 * @since 1.1.0
 */
export const section = (
  { body, id, note = "", title }: {
    readonly id: string
    readonly title: string
    readonly note?: string
    readonly body: string
  }
) =>
  `<section id="${id}" data-live aria-labelledby="${id}-h"><header><h2 id="${id}-h">${title}</h2>${
    note === "" ? "" : `<p>${note}</p>`
  }</header>${body}</section>`

/**
 * A table whose first cells head their rows; where there is little room, a row becomes a block. Cells are HTML.
 *
 * @category rendering
 * @since 1.1.0
 */
export const table = (
  caption: string,
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  look: "" | " pair" = ""
): string =>
  `<table class="stack${look}"><caption>${caption}</caption><thead><tr>${
    columns.map(({ heading, kind }) => `<th scope="col"${kind === "n" ? ` class="n"` : ""}>${heading}</th>`).join("")
  }</tr></thead><tbody>${
    rows.map((row) =>
      `<tr>${
        row.map((cell, index) =>
          index === 0
            ? `<th scope="row">${cell}</th>`
            : `<td${classOf(columns[index])} data-label="${columns[index]?.heading ?? ""}">${cell}</td>`
        ).join("")
      }</tr>`
    ).join("")
  }</tbody></table>`

const classOf = (column: Column | undefined) => column?.kind === undefined ? "" : ` class="${column.kind}"`

/**
 * What is said where there is nothing to show.
 *
 * @category rendering
 * @since 1.1.0
 */
export const none = (text: string) => `<p class="none">${text}</p>`

/**
 * How many rows are not shown, and where they are.
 *
 * @category rendering
 * @since 1.1.0
 */
export const rest = (hidden: number, href: string) =>
  hidden <= 0 ? "" : `<p class="none">and ${hidden} more: <a href="${href}">${href}</a></p>`

/**
 * What is said below a row's name, in `bytes` at most.
 *
 * @category rendering
 * @since 1.1.0
 */
export const notes = (texts: ReadonlyArray<string>, bytes: number) =>
  texts.length === 0 ? "" : `<br><small>${clip(texts.join(" · "), bytes)}</small>`
