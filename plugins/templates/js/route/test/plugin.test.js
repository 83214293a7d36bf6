import assert from "node:assert/strict";
import test from "node:test";
import { RouteTest } from "millstream/testing";
import * as plugin from "../src/plugin.js";

test("audits go to their topic too", () => {
  const route = new RouteTest(plugin);
  const routed = route.run([
    { client: "ada", kind: "audit", json: {} },
    { client: "ada", kind: "order", json: {} },
  ]);
  assert.deepEqual(routed.map(({ topic }) => topic), ["audit", null]);
});
