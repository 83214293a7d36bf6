/**
 * Write Millstream plugins: one function for each kind.
 *
 * | kind | the module exports | answers |
 * |---|---|---|
 * | transform | `transform(record, events)` | which events a record becomes, and for which client or group |
 * | route | `route(event)`, `needs` | where an event goes |
 * | dead-letter | `decide(failed)` | what happens to a failed record |
 *
 * A transform that also exports `keys(record, keys)` keeps values under these
 * keys: `transform(record, events, state)`. `millstream/log` and
 * `millstream/clock` are modules of their own: importing one asks the host for
 * that capability.
 *
 * Each may also export `configure(config)`. The logic is plain JavaScript:
 * `millstream/testing` runs it under `node --test`, through the same flat batches
 * as the host.
 */

export { Config } from "./config.js";
export { Decision } from "./decision.js";
export { Failure, refuse } from "./failure.js";
export { Tombstones } from "./tombstones.js";
