/** A route: events of the type `audit` also go to a Kafka topic. */

let config = {
  /** The pipeline must allow it: `output-topics = ["audit"]`. */
  topic: "audit",
};

/** @param {import("millstream").Config} table */
export function configure(table) {
  config = table.read({ topic: "audit" });
}

/** @type {import("millstream").Route["route"]} */
export function route(event) {
  if (event.kind !== "audit") return { deliver: "as-configured" };
  return { deliver: "as-configured", topic: config.topic, key: event.address.name };
}
