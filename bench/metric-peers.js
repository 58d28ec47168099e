/** prom-client's metrics, their labels bound beforehand as its README advises. */
import { Counter, Gauge, Histogram, Registry } from "prom-client"

export const makePromClient = (labels, buckets) => {
  const registers = [new Registry()]
  const labelNames = Object.keys(labels)
  const made = (Metric, name, more = {}) =>
    new Metric({ name, help: name, labelNames, registers, ...more }).labels(labels)
  return {
    counter: made(Counter, "requests_total"),
    gauge: made(Gauge, "requests"),
    histogram: made(Histogram, "seconds", { buckets: [...buckets] })
  }
}
