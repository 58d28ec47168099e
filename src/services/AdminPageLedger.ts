import { none, notes, rest, section, table } from "./AdminPageTable.ts"
import type { HealthDocument } from "./HealthDocument.ts"
import { clip } from "./Html.ts"
import * as Human from "./HumanFormat.ts"
import { type Account, droppedOf, rejectedOf } from "./Ledger.ts"

const most = 6

/**
 * What became of every log event and metric datum that was offered to AWS.
 *
 * @category rendering
 * @since 1.1.0
 */
export const ledgerSection = ({ ledger }: HealthDocument): string =>
  section({
    id: "ledger",
    title: "Delivery",
    note: ledger.length === 0 ? "" : "offered = delivered + rejected + dropped + buffered + in flight",
    body: ledger.length === 0 ? none("Nothing is delivered anywhere: this is not AWS.") : table(
      "Ledger of delivery",
      ["Account", "Offered", "Delivered", "Rejected", "Dropped", "Buffered", "In flight"]
        .map((heading, index) => index === 0 ? { heading } : { heading, kind: "n" }),
      ledger.slice(0, most).map((account) => [
        clip(account.name, 100) + notes(lossesOf(account), 250) +
        (account.failure === undefined ? "" : `<br><small class="tone fail">${clip(account.failure, 200)}</small>`),
        Human.integer(account.offered),
        Human.integer(account.delivered),
        loss(rejectedOf(account)),
        loss(droppedOf(account)),
        Human.integer(account.buffered),
        Human.integer(account.inFlight)
      ])
    ) + rest(ledger.length - most, "/ledger")
  })

const loss = (count: number) => count === 0 ? "0" : `<b class="fail">${Human.integer(count)}</b>`

const lossesOf = ({ dropped, rejected, repeated }: Account) =>
  [
    ...Object.entries(rejected).map(([reason, count]) => [count, `rejected (${reason})`] as const),
    ...Object.entries(dropped).map(([reason, count]) => [count, `dropped (${reason})`] as const),
    [repeated, "sent again, may be there twice"] as const
  ].filter(([count]) => count > 0).map(([count, words]) => `${Human.integer(count)} ${words}`)
