/**
 * The Nest application both platforms serve. Node strips types but compiles no decorators: they are applied by hand,
 * as TypeScript's output does.
 */
import "reflect-metadata"
import { Controller, Get, Module, Param } from "@nestjs/common"

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

// oxlint-disable-next-line typescript/no-extraneous-class -- Nest knows a module by its class
export class AppModule {}

Reflect.decorate([Module({ controllers: [GreetController] })], AppModule)
