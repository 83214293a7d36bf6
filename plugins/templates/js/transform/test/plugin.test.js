import assert from "node:assert/strict";
import test from "node:test";
import { TransformTest } from "millstream/testing";
import * as plugin from "../src/plugin.js";

test("an order becomes an event for its customer", () => {
  const orders = new TransformTest(plugin);
  const [event] = orders.one({ json: { customer: "ada", id: 7, total: 9.5 } });
  assert.equal(event.client, "ada");
  assert.equal(event.payload, '{"id":7,"total":9.5}');
});
