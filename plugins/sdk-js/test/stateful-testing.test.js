import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { Failure } from "../src/index.js";
import { DeadLetterTest, RouteTest, StatefulTest, TransformTest } from "../src/testing/index.js";
import { now } from "../src/testing/clock.js";

const named = (...keys) => (record, collected) => keys.forEach((key) => collected.add(key));
const failureOf = (plugin, record = {}) => {
  const [{ failure, events }] = new StatefulTest(plugin).run([record]);
  if (failure) assert.deepEqual(events, []);
  return failure && [failure.class, failure.message];
};
const bad = (message) => ["bad-output", message];

test("values and time are remembered from one run to the next", () => {
  const count = new StatefulTest({
    keys: (record, keys) => keys.add(record.key),
    transform(record, events, state) {
      state.setJson(record.key, (state.json(record.key) ?? 0) + 1);
      events.client("c").json([state.text(record.key), state.now(), now(), record.offset]);
    },
  });
  const payloads = (records) => count.run(records).map(({ events }) => JSON.parse(events[0].payload));
  assert.deepEqual(payloads([{ key: "a" }, { key: "b", timestamp: 5 }]), [["1", null, null, 0], ["1", 5, 5, 1]]);
  assert.deepEqual(payloads([{ key: "a", timestamp: 3 }]), [["2", 5, 5, 2]]);
  assert.equal(count.text("a"), "2");
  assert.deepEqual(count.value("b"), Uint8Array.of(0x31));
  assert.equal(count.value("c"), null);
  assert.equal(JSON.parse(count.one({ key: Uint8Array.of(0x61) })[0].payload)[0], "3");
});

test("a failed record leaves no values, whoever fails it", () => {
  const plugin = {
    keys: named("a"),
    transform(record, events, state) {
      state.set("a", record.text());
      if (record.text() === "fail") throw Failure.rejected("no");
      events.client(record.text()).text("");
    },
  };
  const sut = new StatefulTest(plugin);
  assert.deepEqual(sut.run([{ value: "ok" }, { value: "fail" }, { value: "" }]).map(({ failure }) => failure?.class), [undefined, "rejected", "bad-output"]);
  assert.equal(sut.text("a"), "ok");
  assert.throws(() => sut.one({ value: "fail" }), { message: "no", class: "rejected" });
});

test("a value expires with the records' time", () => {
  const sut = new StatefulTest({
    keys: named("a"),
    transform: (record, events, state) => void (record.value && state.setFor("a", record.value, 100)),
  });
  sut.run([{ value: "x", timestamp: 1000 }, { timestamp: 1099 }]);
  assert.equal(sut.text("a"), "x");
  sut.run([{ timestamp: 1100 }]);
  assert.equal(sut.text("a"), null);
});

test("the host's checks fail a record", () => {
  const transform = () => {};
  assert.deepEqual(failureOf({ keys: named(""), transform }), bad("a key is empty"));
  assert.deepEqual(failureOf({ keys: named("é".repeat(129)), transform }), bad("a key has 258 bytes; the limit is 256"));
  const many = (count) => failureOf({ keys: named(...Array.from({ length: count }, (_, i) => `${i}`)), transform });
  assert.deepEqual(many(101), bad("a record names more than 100 keys"));
  assert.equal(many(100), null);
  const value = (size) => failureOf({ keys: named("a"), transform: (r, e, state) => state.set("a", "x".repeat(size)) });
  assert.deepEqual(value(65537), bad("the plugin wrote a value of 65537 bytes; the limit is 65536"));
  assert.equal(value(65536), null);
});

test("a key that was not named ends the test", () => {
  const sut = new StatefulTest({ keys: named("a"), transform: (r, e, state) => state.get("b") });
  assert.throws(() => sut.run([{}]), { message: "the key `b` was not named: `keys` must name every key that `transform` uses" });
});

test("each kind of transform has its test", () => {
  const [transform, keys] = [() => {}, () => {}];
  assert.throws(() => new TransformTest({ transform, keys }), /test it with StatefulTest/);
  assert.throws(() => new StatefulTest({ transform }), /test it with TransformTest/);
});

test("the clock is the largest timestamp so far", () => {
  assert.equal(now(), null);
  const seen = new TransformTest({ transform: (record, events) => events.client("c").json(now()) });
  const times = (records) => seen.run(records).map(({ events }) => events[0].payload);
  assert.deepEqual(times([{}, { timestamp: 9 }, { timestamp: 7 }]), ["null", "9", "9"]);
  assert.deepEqual(times([{}, { timestamp: 10 }]), ["9", "10"]);
  const route = new RouteTest({ route: () => ({ topic: `t${now()}` }) });
  assert.deepEqual(route.run([{ client: "a", record: { timestamp: 3 } }, { client: "a" }]).map(({ topic }) => topic), ["t3", "t3"]);
  const policy = new DeadLetterTest({ decide: () => ({ action: "retry", delayMs: now() }) });
  assert.equal(policy.run([{ class: "trap", record: { timestamp: 4 } }])[0].delayMs, 4);
});

test("lines go to standard error", () => {
  const script = `import * as log from "millstream/log"; import { now } from "millstream/clock";
log.error("e", { a: 1 }); log.warn(now()); log.info("i"); log.debug("d"); console.log("own");`;
  const cwd = dirname(dirname(fileURLToPath(import.meta.url)));
  const { stderr, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd, encoding: "utf8" });
  assert.deepEqual([stderr, stdout], ['error: e {"a":1}\nwarn: null\ninfo: i\ndebug: d\n', "own\n"]);
});
