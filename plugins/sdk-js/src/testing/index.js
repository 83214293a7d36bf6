/**
 * Runs a plugin natively, under `node --test`, through the same flat batches as
 * the host and with the host's checks on the answers, so that it behaves as in
 * the daemon.
 */

export { DeadLetterTest } from "./dead-letter.js";
export { RouteTest } from "./route.js";
export { StatefulTest } from "./stateful.js";
export { TransformTest } from "./transform.js";
