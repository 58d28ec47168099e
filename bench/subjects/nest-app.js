/**
 * The Nest application both platforms serve. Node strips types but compiles no decorators: they are applied by hand,
 * as TypeScript's output does.
 */
import "reflect-metadata"
import { Body, Controller, Get, HttpCode, Module, Param, Post, ValidationPipe } from "@nestjs/common"
import { IsArray, IsInt, IsOptional, IsString, Max, Min } from "class-validator"

class GreetController {
  greet(name) {
    return { message: `Hello, ${name}!` }
  }
}

Param("name")(GreetController.prototype, "greet", 0)
Reflect.decorate(
  [Get(":name"), Reflect.metadata("design:paramtypes", [String])],
  GreetController.prototype,
  "greet",
  Object.getOwnPropertyDescriptor(GreetController.prototype, "greet")
)
Reflect.decorate([Controller("greet")], GreetController)

// oxlint-disable-next-line typescript/no-extraneous-class -- class-validator knows a body by its class
class Echo {}

IsString()(Echo.prototype, "text")
for (const decorate of [IsOptional(), IsInt(), Min(1), Max(100)]) decorate(Echo.prototype, "times")
for (const decorate of [IsOptional(), IsArray(), IsString({ each: true })]) decorate(Echo.prototype, "tags")

class EchoController {
  echo(body) {
    return body
  }
}

Body(new ValidationPipe())(EchoController.prototype, "echo", 0)
Reflect.decorate(
  [Post(), HttpCode(200), Reflect.metadata("design:paramtypes", [Echo])],
  EchoController.prototype,
  "echo",
  Object.getOwnPropertyDescriptor(EchoController.prototype, "echo")
)
Reflect.decorate([Controller("echo")], EchoController)

// oxlint-disable-next-line typescript/no-extraneous-class -- Nest knows a module by its class
export class AppModule {}

Reflect.decorate([Module({ controllers: [GreetController, EchoController] })], AppModule)
