import assert from "node:assert/strict";
import test from "node:test";
import { Decision, Failure, Tombstones, refuse } from "../src/index.js";
import { DeadLetterTest, RouteTest, TransformTest } from "../src/testing/index.js";

const failureOf = (transform, record = { value: "x" }) => {
  const { failure, events } = new TransformTest({ transform }).run([record])[0];
  if (failure) assert.deepEqual(events, []);
  return failure && [failure.class, failure.message];
};

test("events for clients, groups and tasks are distinguished", () => {
  const made = new TransformTest({
    transform(record, events) {
      events.client("a").kind("own").text("1");
      events.group("a").text("2");
      events.task("a").json({ b: [1, null, "é"] });
    },
  }).one({ value: "x" });
  assert.deepEqual(made.map(Object.values), [
    ["a", "", "", "own", "1"], ["", "a", "", "", "2"], ["", "", "a", "", '{"b":[1,null,"é"]}'],
  ]);
});

test("the host's checks fail a record", () => {
  const bad = (message) => ["bad-output", message];
  const client = (id) => failureOf((record, events) => events.client(id).text(""));
  const kind = (text) => failureOf((record, events) => events.client("a").kind(text).text(""));
  assert.deepEqual(client(""), bad("the client id is empty"));
  assert.deepEqual(client("é".repeat(129)), bad("the client id has 258 bytes; the limit is 256"));
  assert.deepEqual(client("é\u0085"), bad("the client id contains a control character at byte 2"));
  assert.deepEqual(failureOf((r, events) => events.group("a\n").text("")), bad("the group name contains a control character at byte 1"));
  assert.deepEqual(kind("k".repeat(257)), bad("the event type has 257 bytes; the limit is 256"));
  assert.deepEqual(kind("a\tb"), bad("the event type contains a control character"));
  for (const reserved of ["gap", "open", "error", "millstream.x"]) {
    assert.deepEqual(kind(reserved), bad(`the event type \`${reserved}\` is reserved (as are gap, open, error and millstream.*)`));
  }
  assert.deepEqual(kind("é".repeat(128)), null);
  assert.deepEqual(failureOf((r, events) => events.client("a").bytes(Uint8Array.of(0x61, 0xff))), bad("the payload is not UTF-8 at byte 1"));
  assert.deepEqual(failureOf((r, events) => events.client("a").text("\ud800")), bad("the payload is not UTF-8 at byte 0"));
  const many = (count) => failureOf((record, events) => {
    for (let i = 0; i < count; i++) events.client("a").text("");
  });
  assert.deepEqual(many(1001), ["too-large", "the plugin made 1001 events from one record, at most 1000 are allowed"]);
  assert.deepEqual(many(1000), null);
});

test("an address that is not a text is unaddressable", () => {
  const client = (id) => failureOf((record, events) => events.client(id).text(""));
  assert.deepEqual(client(undefined), ["unaddressable", "the client id is absent, expected a string"]);
  assert.deepEqual(client(7), ["unaddressable", "the client id is a number, expected a string"]);
});

test("a payload that is not JSON is rejected", () => {
  const json = (value) => failureOf((record, events) => events.client("a").json(value));
  assert.deepEqual(json(undefined), ["rejected", "the payload can't be written as JSON: it is undefined"]);
  assert.equal(json(1n)[0], "rejected");
});

test("JSON failures name the byte, as serde_json does", () => {
  const of = (value) => failureOf((record) => void record.json(), { value })?.[1].replace("not the expected JSON: ", "");
  const cases = {
    "[1 x]": "expected `,` or `]`, at byte 3",
    "[1,\n\n x]": "expected value, at byte 6",
    "": "EOF while parsing a value, at byte 0",
    "[1,": "EOF while parsing a value, at byte 3",
    "[1,]": "trailing comma, at byte 3",
    "not JSON": "expected ident, at byte 1",
    '{"a" 1}': "expected `:`, at byte 5",
    "{a": "key must be a string, at byte 1",
    '{"a":1 "b"': "expected `,` or `}`, at byte 7",
    '{"clientId": "c': "EOF while parsing a string, at byte 15",
    '"a\nb"': "control character (\\u0000-\\u001F) found while parsing a string, at byte 2",
    '"\\x"': "invalid escape, at byte 2",
    "1 2": "trailing characters, at byte 2",
    "01": "invalid number, at byte 1",
    "1.": "EOF while parsing a value, at byte 2",
    "-x": "invalid number, at byte 1",
    "tru": "EOF while parsing a value, at byte 3",
    "plain": "expected value, at byte 0",
  };
  for (const [value, message] of Object.entries(cases)) assert.equal(of(value), message, JSON.stringify(value));
  assert.match(of(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)), /^it begins with a byte order mark \(EF BB BF\)/);
  assert.match(of(Uint8Array.of(0xff, 0xfe, 0x31, 0)), /the byte order mark of UTF-16/);
  assert.equal(of(Uint8Array.of(0x22, 0xff, 0x22)), "invalid unicode code point, at byte 2");
  assert.equal(of(null), "the record has no value (a tombstone)");
});

test("a shape is checked", () => {
  const shape = { customer: "string", total: "number", note: "string?", items: "array?" };
  const of = (json) => failureOf((record) => void record.json(shape), { json })?.[1].replace("not the expected JSON: ", "");
  assert.equal(of({ customer: "a", total: 1 }), undefined);
  assert.equal(of({ customer: "a", total: 1, note: null, items: [] }), undefined);
  assert.equal(of({ total: 1 }), "missing field `customer`");
  assert.equal(of({ customer: "a", total: "1" }), "field `total` is a string, expected a number");
  assert.equal(of({ customer: null, total: 1 }), "field `customer` is null, expected a string");
  assert.equal(of({ customer: "a", total: 1, items: {} }), "field `items` is an object, expected an array");
  assert.equal(of([1]), "an array, expected an object");
  assert.equal(of(null), "null, expected an object");
});

test("the configuration is refused or read", () => {
  const none = { transform() {} };
  assert.throws(() => new TransformTest(none, { a: 1 }), { message: "config: unknown key `a`; this plugin has no configuration" });
  let got;
  const reads = { configure: (config) => void (got = config.read({ topic: "audit", limit: null })), transform() {} };
  new TransformTest(reads, { limit: 5 });
  assert.deepEqual(got, { topic: "audit", limit: 5 });
  assert.throws(() => new TransformTest(reads, { x: 1 }), { message: "config: unknown field `x`, expected one of `topic`, `limit`" });
  const own = { configure() { throw new Error("no such group"); }, transform() {} };
  assert.throws(() => new TransformTest(own), { message: "no such group" });
});

test("tombstones are skipped, fail or become events", () => {
  const of = (mode, record) => {
    const tombstones = new Tombstones(mode);
    return new TransformTest({
      transform: (r, events) => tombstones.of(r, (key) => events.client(key).text("null")),
    }).run([record])[0];
  };
  assert.deepEqual(of("skip", {}), { events: [], failure: null });
  assert.equal(of(undefined, {}).failure.class, "malformed");
  assert.equal(of("event", { key: "ada" }).events[0].client, "ada");
  assert.equal(of("event", { key: "a\n" }).failure.class, "unaddressable");
  assert.throws(() => new Tombstones("x"), /unknown variant `x`/);
});

test("another exception ends the test", () => {
  const broken = new TransformTest({ transform: () => null.x });
  assert.throws(() => broken.run([{}]), TypeError);
  const isAsync = new TransformTest({ transform: async () => {} });
  assert.throws(() => isAsync.run([{}]), /must not be async/);
});

test("a route receives what it needs", () => {
  const telling = {
    needs: { connected: true },
    route: ({ client, group, connected, payload, record }) => {
      throw refuse(`${client} ${group} ${connected} ${payload.length} ${record.key}`);
    },
  };
  const record = { key: "k" };
  const out = new RouteTest(telling).run([{ client: "a", payload: "p", record }, { group: "a", record }]);
  assert.deepEqual(out.map(({ failure }) => failure.message), ["a null false 0 null", "null a true 0 null"]);
});

test("a route's output is checked", () => {
  const to = (destination) => new RouteTest({ route: () => destination }).run([{ client: "a" }])[0];
  assert.deepEqual(to(undefined), { deliver: "as-configured", topic: null, key: null, headers: [], failure: null });
  assert.equal(to({ topic: "a b" }).failure.message, "invalid topic name `a b`");
  assert.equal(to({ topic: "a", headers: [{ name: "millstream.x", value: "" }] }).failure.message, "header `millstream.x` is reserved: Millstream sets millstream.* itself");
  assert.equal(to({ topic: "a", headers: [{ name: "millstream.type", value: "" }] }).failure, null);
  assert.throws(() => to({ deliver: "sometimes" }), /`deliver` is `sometimes`/);
});

test("a policy's decisions are read back", () => {
  const all = [Decision.drop(), Decision.halt(), Decision.retry(250), Decision.toTopic(), Decision.toTopic({ topic: "t", value: null })];
  let next = 0;
  const policy = new DeadLetterTest({ decide: () => all[next++] });
  assert.deepEqual(policy.run(all.map(() => ({ class: "trap" }))), all);
});

test("a failure has a class of the contract", () => {
  const broken = new TransformTest({ transform() { throw new Failure("other", "x"); } });
  assert.throws(() => broken.run([{}]), /can't have the class `other`/);
});
