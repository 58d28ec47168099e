/**
 * The endpoint, a process of its own: takes what CloudWatch Logs would take, counts it, and fails as it is told.
 */
import { createServer, type ServerResponse } from "node:http"
import { limits } from "./batches.ts"
import type { Command, Mode } from "./messages.ts"

interface LogEvent {
  readonly timestamp: number
  readonly message: string
}

const port = Number(process.argv[2])
const reportEvery = 20

let mode: Mode = "ok"
let delay = 30
let exists = true
let requests = 0
let refused = 0
let received = 0
let unique = 0
let others = 0
let lastNew = 0
let seen = new Uint8Array(1 << 20)

const count = ({ message }: LogEvent) => {
  received++
  const found = /"n\\?":(\d+)/.exec(message)
  if (found === null) {
    others++
    return
  }
  const n = Number(found[1])
  while (n >= seen.length) {
    const longer = new Uint8Array(seen.length * 2)
    longer.set(seen)
    seen = longer
  }
  if (seen[n] === 1) return
  seen[n] = 1
  unique++
  lastNew = Date.now()
}

const isValid = (events: ReadonlyArray<LogEvent>): boolean => {
  if (events.length === 0 || events.length > limits.events) return false
  let bytes = 0
  let before = 0
  for (const { message, timestamp } of events) {
    bytes += Buffer.byteLength(message) + limits.overhead
    if (timestamp < before) return false
    before = timestamp
  }
  return bytes <= limits.bytes
}

const answer = (response: ServerResponse, status: number, body: object) => {
  setTimeout(() => {
    const text = JSON.stringify(body)
    response.writeHead(status, {
      "content-type": "application/x-amz-json-1.1",
      "content-length": text.length,
      "x-amzn-requestid": crypto.randomUUID()
    })
    response.end(text)
  }, delay)
}

const fail = (response: ServerResponse, type: string, status = 400) => {
  refused++
  answer(response, status, { __type: type, message: type })
}

const operations: Record<string, (response: ServerResponse, input: any) => void> = {
  PutLogEvents: (response, { logEvents }) => {
    if (!exists) return fail(response, "ResourceNotFoundException")
    if (!isValid(logEvents)) return fail(response, "InvalidParameterException")
    for (const event of logEvents) count(event)
    answer(response, 200, { nextSequenceToken: String(requests) })
  },
  CreateLogGroup: (response) => answer(response, 400, { __type: "ResourceAlreadyExistsException", message: "exists" }),
  CreateLogStream: (response) => {
    if (exists) return answer(response, 400, { __type: "ResourceAlreadyExistsException", message: "exists" })
    exists = true
    answer(response, 200, {})
  },
  DescribeLogGroups: (response, { logGroupNamePrefix }) =>
    answer(response, 200, { logGroups: [{ logGroupName: logGroupNamePrefix }] }),
  DescribeLogStreams: (response, { logStreamNamePrefix }) =>
    answer(response, 200, {
      logStreams: exists ? [{ logStreamName: logStreamNamePrefix, uploadSequenceToken: String(requests) }] : []
    })
}

const server = createServer((request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("error", () => {})
  request.on("end", () => {
    requests++
    if (mode === "hang") return
    if (mode === "reset") return request.socket.resetAndDestroy()
    if (mode === "500") return fail(response, "InternalFailure", 500)
    const target = String(request.headers["x-amz-target"]).split(".")[1] ?? ""
    const operation = operations[target]
    if (operation === undefined) return fail(response, "UnknownOperationException")
    operation(response, JSON.parse(Buffer.concat(chunks).toString()))
  })
})
server.keepAliveTimeout = 60_000

const report = (id?: number) => {
  process.send?.({ ...id === undefined ? {} : { id }, requests, refused, received, unique, others, lastNew })
}

process.on("message", (command: Command) => {
  delay = command.delay ?? delay
  if (command.mode === "missing") exists = false
  else if (command.mode !== undefined && command.mode !== mode) {
    if (command.mode === "refuse") {
      server.close()
      server.closeAllConnections()
    } else if (mode === "refuse") server.listen(port, "127.0.0.1")
    mode = command.mode
  }
  report(command.id)
})
process.on("disconnect", () => process.exit())

let reported = 0
setInterval(() => {
  if (reported === unique) return
  reported = unique
  report()
}, reportEvery)
server.listen(port, "127.0.0.1", () => report(0))
