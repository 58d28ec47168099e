import { Effect, Layer, Schema, Stream } from "effect"
import { HttpApi, type HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"

class Missing extends Schema.TaggedError<Missing>()("Missing", { id: Schema.Int }, { httpApiStatus: 404 }) {}
class Taken extends Schema.TaggedError<Taken>()("Taken", { message: Schema.String }, { httpApiStatus: 409 }) {}

const wellFormed = Schema.String.pipe(Schema.check(Schema.makeFilter((text: string) => text.isWellFormed())))
const Word = Schema.String.pipe(Schema.check(Schema.isPattern(/^[A-Za-z0-9 _~!*äß€-]{1,12}$/)))
const Header = Schema.String.pipe(Schema.check(Schema.isPattern(/^[!-~]{1,12}$/)))
const Part = Schema.Struct({ sku: wellFormed, count: Schema.Int })

const Item = Schema.Struct({
  id: Schema.Int,
  name: wellFormed,
  note: Schema.NullOr(wellFormed),
  price: Schema.Finite,
  address: Schema.Struct({
    street: wellFormed,
    zip: Schema.optionalKey(Schema.Int),
    place: Schema.Struct({ lat: Schema.Finite, lon: Schema.Finite })
  }),
  parts: Schema.Array(Part),
  labels: Schema.Record(wellFormed, Schema.Int),
  kind: Schema.Literals(["small", "large"]),
  flags: Schema.Array(Schema.Boolean),
  made: Schema.Date.pipe(Schema.check(Schema.makeFilter((date: Date) => !Number.isNaN(date.getTime())))),
  serial: Schema.BigInt,
  code: Schema.Union([Schema.Int, wellFormed]),
  any: Schema.Number.pipe(Schema.check(Schema.isFinite()))
})

class Items extends HttpApiGroup.make("items").add(
  HttpApiEndpoint.get("get", "/items/:id", {
    params: { id: Schema.Int },
    query: { verbose: Schema.optionalKey(Schema.Boolean) },
    success: Schema.Struct({ id: Schema.Int, verbose: Schema.Boolean }),
    error: Missing
  }),
  HttpApiEndpoint.get("search", "/items", {
    query: {
      text: Schema.optionalKey(wellFormed),
      tags: Schema.NonEmptyArray(wellFormed),
      limit: Schema.optionalKey(Schema.Int),
      order: Schema.optionalKey(Schema.Literals(["up", "down"])),
      price: Schema.Union([Schema.Finite, Schema.Literal("any")])
    },
    success: Schema.Unknown
  }),
  HttpApiEndpoint.put("replace", "/items/:id/of/:owner", {
    params: { id: Schema.Int, owner: Word },
    query: { dry: Schema.Boolean },
    headers: { "x-tenant": Header },
    payload: Item,
    success: Schema.Struct({ id: Schema.Int, owner: Word, dry: Schema.Boolean, tenant: Header, item: Item }),
    error: [Taken, Missing]
  }),
  HttpApiEndpoint.patch("change", "/items/:id", {
    params: { id: Schema.Finite },
    payload: Schema.Struct({
      name: Schema.optionalKey(wellFormed),
      json: Schema.optionalKey(Schema.Boolean),
      place: Schema.optionalKey(Schema.Struct({ lat: Schema.Finite }))
    }),
    success: Schema.Unknown
  }),
  HttpApiEndpoint.delete("remove", "/items/:id", {
    params: { id: Schema.Int },
    success: HttpApiSchema.NoContent,
    error: Missing
  })
) {}

class Bodies extends HttpApiGroup.make("bodies").add(
  HttpApiEndpoint.post("text", "/bodies/text", {
    payload: wellFormed.pipe(HttpApiSchema.asText()),
    success: wellFormed.pipe(HttpApiSchema.asText())
  }),
  HttpApiEndpoint.post("form", "/bodies/form", {
    payload: Schema.Struct({ a: wellFormed, n: Schema.Int }).pipe(HttpApiSchema.asFormUrlEncoded()),
    success: Schema.Struct({ a: wellFormed, n: Schema.Int })
  }),
  HttpApiEndpoint.post("union", "/bodies/union", {
    payload: Schema.Union([
      Schema.Struct({ _tag: Schema.Literal("A"), a: Schema.Int }),
      Schema.Struct({ _tag: Schema.Literal("B"), b: wellFormed })
    ]),
    success: Schema.Unknown
  }),
  HttpApiEndpoint.post("list", "/bodies/list", {
    payload: Schema.Array(Schema.Int),
    success: Schema.Array(Schema.Int)
  }),
  HttpApiEndpoint.post("names", "/bodies/names", {
    payload: Schema.Struct({
      constructor: wellFormed,
      either: Schema.Union([Schema.String, Schema.Finite])
    }),
    success: Schema.Unknown
  }),
  HttpApiEndpoint.get("maybe", "/bodies/maybe/:id?", {
    params: { id: Schema.optionalKey(Word) },
    success: Schema.Unknown
  }),
  HttpApiEndpoint.get("query", "/bodies/query", {
    payload: { q: wellFormed, n: Schema.optionalKey(Schema.Int) },
    success: Schema.Unknown
  })
) {}

const UpTo20 = Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 20 })))

class Streams extends HttpApiGroup.make("streams").add(
  HttpApiEndpoint.get("lines", "/streams/lines", {
    query: { to: UpTo20, name: wellFormed },
    success: HttpApiSchema.StreamNdjson({ schema: Schema.Struct({ n: Schema.Int, name: wellFormed }) })
  }),
  HttpApiEndpoint.get("events", "/streams/events", {
    query: { to: UpTo20 },
    success: HttpApiSchema.StreamSse({ data: Schema.Struct({ n: Schema.Int }) })
  }),
  HttpApiEndpoint.post("sum", "/streams/sum", {
    payload: HttpApiSchema.StreamNdjson({ schema: Schema.Struct({ n: Schema.Int }) }),
    success: Schema.Struct({ sum: Schema.Finite })
  })
) {}

class Top extends HttpApiGroup.make("top", { topLevel: true }).add(
  HttpApiEndpoint.get("ping", "/ping", { success: Schema.Literal("pong") }),
  HttpApiEndpoint.get("broken", "/broken", { success: Schema.String })
) {}

export class RichApi extends HttpApi.make("rich").add(Items, Bodies, Streams, Top) {}

type Group = typeof HttpApiBuilder.group

/** The handlers, made with either way of making a group. */
export const handlers = (group: Group) =>
  Layer.mergeAll(
    group(RichApi, "items", (handlers) =>
      handlers.handleAll({
        get: ({ params: { id }, query: { verbose = false } }) =>
          id < 0 ? Effect.fail(new Missing({ id })) : Effect.succeed({ id, verbose }),
        search: ({ query }) => Effect.succeed(query),
        replace: ({ headers, params, payload, query }) =>
          payload.name.length % 7 === 6
            ? Effect.fail(new Taken({ message: `${payload.name} is taken` }))
            : payload.id % 5 === 4
            ? Effect.fail(new Missing({ id: payload.id }))
            : Effect.succeed({ ...params, ...query, tenant: headers["x-tenant"], item: payload }),
        change: ({ params, payload }) => Effect.delay(Effect.succeed({ ...params, payload }), "1 millis"),
        remove: ({ params: { id } }) => id < 0 ? Effect.fail(new Missing({ id })) : Effect.void
      })),
    group(RichApi, "bodies", (handlers) =>
      handlers.handleAll({
        text: ({ payload }) => Effect.succeed(payload),
        form: ({ payload }) => Effect.succeed(payload),
        union: ({ payload }) => Effect.succeed(payload),
        list: ({ payload }) => Effect.succeed(payload),
        query: ({ payload }) => Effect.succeed(payload),
        names: ({ payload }) => Effect.succeed(payload),
        maybe: ({ params }) => Effect.succeed(params)
      })),
    group(RichApi, "streams", (handlers) =>
      handlers.handleAll({
        lines: ({ query: { name, to } }) =>
          Effect.succeed(Stream.range(1, to).pipe(Stream.map((n) => ({ n, name })), Stream.take(to))),
        events: ({ query: { to } }) =>
          Effect.succeed(Stream.range(1, to).pipe(Stream.map((n) => ({ n })), Stream.take(to))),
        sum: ({ payload }) =>
          Stream.runFold(payload, () => 0, (sum, { n }) => sum + n).pipe(
            Effect.map((sum) => ({ sum })),
            Effect.orDie
          )
      })),
    group(RichApi, "top", (handlers) =>
      handlers.handleAll({
        ping: () => Effect.succeed("pong" as const),
        broken: () => Effect.die(new Error("broken on purpose"))
      }))
  )
