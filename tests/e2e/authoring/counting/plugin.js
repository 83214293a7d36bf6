import { Failure } from "millstream";
import { now } from "millstream/clock";
import * as log from "millstream/log";

const ORDER = { customer: "string", total: "number" };

export function keys(record, keys) {
  keys.add(record.json(ORDER).customer);
}

export function transform(record, events, state) {
  const { customer, total } = record.json(ORDER);
  const count = (state.json(customer) ?? 0) + 1;
  if (total > 100) state.setFor(customer, String(count), 50);
  else state.setJson(customer, count);
  log.info("order", count, "of", customer);
  if (total < 0) throw Failure.rejected("the total is negative");
  if (total === 0) state.get("other");
  events.client(customer).kind("orders").json({ at: now(), count });
}
