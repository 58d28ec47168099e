// A service with steps of its own for init: what its machine needs before the service is there.
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Microservice from "../../src/layers/Microservice.ts"
import { InitTarget } from "../../src/services/InitStep.ts"

class Notes extends HttpApiGroup.make("notes").add(
  HttpApiEndpoint.get("list", "/notes", { success: Schema.Array(Schema.String) })
) {}

class Api extends HttpApi.make("notes").add(Notes) {}

const maximum = Config.Int("MaximumNotes").pipe(Config.withDefault(100))
const password = Config.option(Config.Redacted("Password"))

class NoRoom extends Schema.TaggedError<NoRoom>()("NoRoom", { message: Schema.String }) {}

// A step is done when its layer is built; one that was done already does nothing.
const directory = Effect.map(InitTarget, ({ name, root }) => join(root, "/var/lib", name))

const makeDirectory = Layer.effectDiscard(Effect.gen(function*() {
  const path = yield* directory
  yield* Effect.promise(() => mkdir(path, { recursive: true }))
  yield* Effect.logInfo(`${path} is there`)
}))

const removeDirectory = Layer.effectDiscard(Effect.gen(function*() {
  const path = yield* directory
  yield* Effect.promise(() => rm(path, { recursive: true, force: true }))
}))

const reserveRoom = Layer.effectDiscard(Effect.gen(function*() {
  const path = yield* directory
  const notes = yield* maximum
  if (notes > 1000) return yield* new NoRoom({ message: `there is no room for ${notes} notes; set MaximumNotes lower` })
  yield* Effect.promise(() => writeFile(join(path, "room"), `${notes}\n`))
}))

Microservice.run({
  name: "notes",
  settings: { MaximumNotes: maximum, Password: password },
  init: {
    "make the directory": { apply: makeDirectory, undo: removeDirectory },
    "reserve room": { apply: reserveRoom }
  },
  api: Api,
  handlers: Microservice.group(Api, "notes", (handlers) => handlers.handle("list", () => Effect.succeed([])))
})
