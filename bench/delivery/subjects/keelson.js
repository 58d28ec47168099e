import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as LogSinkCloudWatch from "../../../dist/lib/layers/LogSinkCloudWatch.js"
import * as Ledger from "../../../dist/lib/services/Ledger.js"
import { LogSink } from "../../../dist/lib/services/LogSink.js"

export const start = async ({ group, stream }) => {
  const scope = Scope.makeUnsafe()
  const layer = LogSinkCloudWatch.layer({
    group,
    stream,
    region: process.env.AWS_REGION,
    endpoint: process.env.AWS_ENDPOINT_URL
  })
  const context = await Effect.runPromise(
    Layer.buildWithScope(Layer.provideMerge(layer, Ledger.layer), scope)
  )
  const sink = Context.get(context, LogSink)
  const [account] = Context.get(context, Ledger.Ledger).accounts()
  return {
    log: (line) => {
      sink.offer({ timestamp: Date.now(), level: "Info", line })
    },
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
    said: () => String(Ledger.rejectedOf(account) + Ledger.droppedOf(account)),
    buffered: () => account.bufferedBytes
  }
}
