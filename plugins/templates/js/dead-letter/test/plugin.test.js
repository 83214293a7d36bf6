import assert from "node:assert/strict";
import test from "node:test";
import { Decision } from "millstream";
import { DeadLetterTest } from "millstream/testing";
import * as plugin from "../src/plugin.js";

test("a rejected record is dropped", () => {
  const policy = new DeadLetterTest(plugin);
  const failed = { class: "rejected", message: "the total is negative", record: { json: {} } };
  assert.deepEqual(policy.run([failed]), [Decision.drop()]);
});
