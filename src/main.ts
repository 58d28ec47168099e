import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Microservice from "./layers/Microservice.ts"

class UnknownLanguage extends Schema.TaggedError<UnknownLanguage>()("UnknownLanguage", {
  language: Schema.String,
  message: Schema.String
}, { httpApiStatus: 404 }) {}

const Greeting = Schema.Struct({ message: Schema.String })
const Milliseconds = Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 60_000 })))

class Greetings extends HttpApiGroup.make("greetings").add(
  HttpApiEndpoint.get("greet", "/greetings/:name", {
    params: { name: Schema.String },
    query: { language: Schema.optionalKey(Schema.String) },
    success: Greeting,
    error: UnknownLanguage
  })
) {}

const Echo = Schema.Struct({
  text: Schema.String,
  times: Schema.optionalKey(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 100 })))),
  tags: Schema.optionalKey(Schema.Array(Schema.String))
})

class Demo extends HttpApiGroup.make("demo").add(
  HttpApiEndpoint.post("echo", "/demo/echo", { payload: Echo, success: Echo }),
  HttpApiEndpoint.get("slow", "/demo/slow", { query: { milliseconds: Milliseconds }, success: Greeting }),
  HttpApiEndpoint.get("count", "/demo/count", {
    query: { to: Milliseconds, every: Schema.optionalKey(Milliseconds) },
    success: HttpApiSchema.StreamNdjson({ schema: Schema.Struct({ count: Schema.Int }) })
  })
) {}

class Api extends HttpApi.make("reference").add(Greetings, Demo) {}

const defaultLanguage = Config.Literals(["en", "de", "fr"], "DefaultLanguage").pipe(Config.withDefault("en"))

const hello = new Map([["en", "Hello"], ["de", "Hallo"], ["fr", "Bonjour"]])

const GreetingsHandlers = Microservice.group(Api, "greetings", (handlers) =>
  Effect.gen(function*() {
    const preferred = yield* defaultLanguage
    return handlers.handle("greet", ({ params: { name }, query: { language = preferred } }) => {
      const word = hello.get(language)
      return word === undefined
        ? Effect.fail(
          new UnknownLanguage({
            language,
            message: `No greeting in ${language}; there is ${[...hello.keys()].join(", ")}`
          })
        )
        : Effect.succeed({ message: `${word}, ${name}!` })
    })
  }))

const DemoHandlers = Microservice.group(Api, "demo", (handlers) =>
  handlers.handleAll({
    echo: ({ payload }) => Effect.succeed(payload),
    slow: ({ query: { milliseconds } }) =>
      Effect.succeed({ message: `after ${milliseconds} ms` }).pipe(Effect.delay(Duration.millis(milliseconds))),
    count: ({ query: { every = 0, to } }) =>
      Effect.succeed(
        Stream.range(1, to).pipe(
          Stream.map((count) => ({ count })),
          Stream.schedule(Schedule.spaced(Duration.millis(every)))
        )
      )
  }))

Microservice.run({
  name: "reference",
  description: "A few operations that show what the chassis does",
  settings: { DefaultLanguage: defaultLanguage },
  api: Api,
  handlers: Layer.mergeAll(GreetingsHandlers, DemoHandlers)
})
