/** A transform: each order becomes an event for its customer. */

import { Failure } from "millstream";

const ORDER = /** @type {const} */ ({ customer: "string", id: "number", total: "number" });

/** @type {import("millstream").Transform["transform"]} */
export function transform(record, events) {
  const { customer, id, total } = record.json(ORDER);
  if (total < 0) throw Failure.rejected("the total is negative");
  events.client(customer).kind("order").json({ id, total });
}
