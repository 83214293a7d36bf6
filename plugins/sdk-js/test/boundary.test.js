import assert from "node:assert/strict";
import test from "node:test";
import { Instance, built, instance } from "../test-support/host.js";

const transform = (body) => instance("transform", `import { Failure } from "millstream";
export function transform(record, events) {
  ${body}
}`);

const panicOf = (body, record = { value: "x" }) => {
  const made = transform(body);
  assert.throws(() => made.transform([{ value: "first" }, record]), WebAssembly.RuntimeError);
  return made.panic;
};

test("a transform makes events, filters and fails", () => {
  const made = transform(`
    const { to, total } = record.json();
    if (total < 0) throw Failure.rejected("negative");
    if (to) events.client(to).kind("order").json({ total });`);
  const records = [{ json: { to: "ada", total: 1.5 } }, { json: {} }, { json: { total: -1 } }, { value: "not JSON" }];
  const expected = [
    [[0, "ada", "order", '{"total":1.5}']], [], { class: 0, message: "negative" },
    { class: 1, message: "not the expected JSON: expected ident, at byte 1" },
  ];
  assert.deepEqual(made.transform(records), expected);
  assert.deepEqual(made.transform(records), expected);
});

test("a failed record leaves no events, and the next one is not affected", () => {
  const made = transform(`
    events.client("ada").kind("a").text(record.text());
    if (record.text() === "bad") throw Failure.transient("later");`);
  const event = (text) => [[0, "ada", "a", text]];
  const out = made.transform([{ value: "1" }, { value: "bad" }, { value: "2" }]);
  assert.deepEqual(out, [event("1"), { class: 3, message: "later" }, event("2")]);
});

test("texts survive: other scripts, zeros, long ones, and bytes that pass through", () => {
  const texts = ["", "plain", "Grüße 日本 😀", "zero\0inside", "\0", "é\0é", "\0".repeat(100_000), "x".repeat(300_000), "ü".repeat(100_000)];
  const asText = transform("events.group('g').text(record.text());");
  const asBytes = transform("events.group('g').bytes(record.value);");
  for (const made of [asText, asBytes]) {
    const out = made.transform(texts.map((value) => ({ value })));
    assert.deepEqual(out.map(([[, , , payload]]) => payload), texts);
  }
});

test("bytes that are not UTF-8 are malformed as text", () => {
  const made = transform("record.text();");
  const out = made.transform([{ value: Uint8Array.of(0x61, 0xff) }, { value: "\ufffd" }, {}]);
  assert.deepEqual(out[0], { class: 1, message: "the value is not UTF-8 at byte 1" });
  assert.deepEqual(out[1], []);
  assert.deepEqual(out[2], { class: 1, message: "the record has no value (a tombstone)" });
  const withZero = made.transform([{ value: Uint8Array.of(0xff, 0, 0x61) }, { value: "\ufffd\0a" }]);
  assert.deepEqual(withZero, [{ class: 1, message: "the value is not UTF-8 at byte 0" }, []]);
});

test("a record has its fields", () => {
  const made = transform(`
    const text = (bytes) => bytes && new TextDecoder().decode(bytes);
    const { topic, partition, offset, timestamp, key, value } = record;
    events.client("c").json([topic, partition, offset, timestamp, text(key), text(value),
      record.headers.map(({ name, value }) => [name, text(value)]), text(record.header("h"))]);`);
  const headers = [{ name: "h", value: "1" }, { name: "h", value: "2" }, { name: "absent", value: null }];
  const out = made.transform([{}, { key: "k", value: "", headers, timestamp: 1_700_000_000_123 }]);
  assert.deepEqual(JSON.parse(out[0][0][3]), ["topic", 0, 0, null, null, null, [], null]);
  const expected = ["topic", 0, 1, 1_700_000_000_123, "k", "", [["h", "1"], ["h", "2"], ["absent", null]], "2"];
  assert.deepEqual(JSON.parse(out[1][0][3]), expected);
});

test("an exception is reported with its record, message and place", () => {
  assert.deepEqual(panicOf("if (record.offset > 0) record.json;\n  if (record.offset > 0) null.x;"), {
    record: 1, message: "TypeError: cannot read property 'x' of null, at src/plugin.js:4:26",
  });
  assert.deepEqual(panicOf("if (record.offset > 0) throw 'text';"), { record: 1, message: "threw text" });
});

test("what a plugin does not have throws", () => {
  assert.match(panicOf("Math.random();").message, /^Error: Math.random is not available: a plugin has no randomness.*, at src\/plugin.js:3:/);
  for (const clock of ["Date.now()", "new Date()", "Date()", "performance.now()"]) {
    assert.match(panicOf(`${clock};`).message, /has no clock; use record.timestamp/);
  }
  assert.match(panicOf("return Promise.resolve();").message, /transform must not be async/);
  const made = transform("console.log('x'); events.client('c').text(new Date(0).toISOString() + new Date(0).getHours());");
  assert.deepEqual(made.transform([{}]), [[[0, "c", "", "1970-01-01T00:00:00.000Z0"]]]);
});

test("endless recursion is an exception, and JSON may be nested deeply", () => {
  const nested = "[".repeat(120) + "]".repeat(120);
  assert.deepEqual(transform("events.group('g').json(record.json());").transform([{ value: nested }]), [[[1, "g", "", nested]]]);
  assert.match(panicOf("(function f() { return f() + 1; })();").message, /RangeError|InternalError/);
});

test("the answer to the configuration", () => {
  const source = `export function configure(config) { config.read({ topic: "audit" }); }
export function transform() {}`;
  const core = new WebAssembly.Module(built("transform", source));
  const configured = (config) => new Instance(core, "transform").configure(config).refusal;
  assert.equal(configured({ topic: "x" }), undefined);
  assert.equal(configured({ tpic: "x" }), "config: unknown field `tpic`, expected `topic`");
  assert.equal(configured({ topic: 1 }), "config: `topic` is a number, expected a string");
});

test("the same source makes the same module", () => {
  const source = "export function transform() {}";
  assert.ok(built("transform", source).equals(built("transform", source)));
});

test("answers do not depend on the batch", () => {
  const core = new WebAssembly.Module(built("transform", `
    export function transform(record, events) {
      const { customer } = record.json({ customer: "string" });
      events.client(customer).kind("k").json({ customer });
    }`));
  const start = () => {
    const made = new Instance(core, "transform");
    made.configure();
    return made;
  };
  const values = ['{"customer":"a"}', null, "", '[1]', '{"customer":"', "x\r\ny", Uint8Array.of(0xff, 0xfe, 0, 0x80), "x".repeat(65536), '{"customer":"é"}'];
  const records = values.map((value) => ({ value }));
  const together = start().transform(records);
  const used = start();
  assert.deepEqual(records.map((record) => used.transform([record])[0]), together);
  assert.deepEqual(records.map((record) => start().transform([record])[0]), together);
  assert.deepEqual(start().transform(records.toReversed()).toReversed(), together);
});

test("a route decides and refuses", () => {
  const made = new Instance(built("route", `import { refuse } from "millstream";
export const needs = { connected: true, record: true };
export function route(event) {
  if (event.kind === "bad") throw refuse("no");
  if (event.kind === "audit") return { deliver: "always", topic: "audit", key: event.client, headers: [{ name: "h", value: null }] };
}`), "route");
  assert.equal(made.configure().word, 0b101);
  const events = ["audit", "bad", ""];
  const { text, second: [at, count], first: [, headers] } = made.run(
    events.map(() => ({})),
    (arena) => events.map((kind, i) => [i, 0, 0, ...arena.span("ada"), ...arena.span(kind), -1, 0]), 9,
  );
  const rows = Array.from({ length: count }, (_, i) => made.words(at + 36 * i, 9));
  assert.equal(headers, 1);
  assert.deepEqual([rows[0][0], text(rows[0][1], rows[0][2]), text(rows[0][3], rows[0][4]), ...rows[0].slice(5)], [2, "audit", "ada", 0, 1, -1, 0]);
  assert.deepEqual([rows[1][1], text(rows[1][7], rows[1][8])], [-1, "no"]);
  assert.deepEqual(rows[2], [1, -1, 0, -1, 0, 1, 0, -1, 0]);
});

test("a policy decides", () => {
  const made = instance("dead-letter", `import { Decision } from "millstream";
export function decide(failed) {
  switch (failed.class) {
    case "a": return Decision.drop();
    case "b": return Decision.retry(200 * failed.attempts);
    case "c": return Decision.reroute("other", [{ name: "n", value: "v" }]);
    case "d": return Decision.toTopic({ value: null });
    default: return Decision.toTopic({ topic: "t", value: failed.record.value });
  }
}`);
  const classes = ["a", "b", "c", "d", "e"];
  const { text, second: [at, count] } = made.run(
    classes.map((value) => ({ value })),
    (arena) => classes.map((name, i) => [i, 2, ...["s", name, "m", "p", "d"].flatMap((word) => arena.span(word))]), 12,
  );
  const rows = Array.from({ length: count }, (_, i) => made.words(at + 36 * i, 9));
  assert.deepEqual(rows[0].slice(0, 2), [2, 0]);
  assert.deepEqual(rows[1].slice(0, 2), [1, 400]);
  assert.deepEqual([rows[2][0], text(rows[2][2], rows[2][3]), ...rows[2].slice(7)], [4, "other", 0, 1]);
  assert.deepEqual(rows[3].slice(2, 7), [-1, 0, 1, -1, 0]);
  assert.deepEqual([text(rows[4][2], rows[4][3]), rows[4][4], text(rows[4][5], rows[4][6])], ["t", 1, "e"]);
});

test("a plugin that can't be built says why and where", () => {
  const why = (source, files) => {
    try {
      built("transform", source, files);
    } catch (error) {
      return error.message;
    }
    return "it was built";
  };
  assert.match(why("export function transform( {"), /SyntaxError[^]*src\/plugin.js:1:\d+/);
  assert.match(why("null.x;"), /TypeError: cannot read property 'x' of null\n\s*at <anonymous> \(src\/plugin.js:1/);
  assert.match(why('import "./absent.js";'), /src\/plugin.js imports `.\/absent.js`, which does not exist/);
  assert.match(why('import fs from "node:fs";'), /a module of Node.js: a plugin has none of them/);
  assert.match(why("export function Transform() {}"), /must export a function `transform\(record, events\)`/);
  const package_ = { "node_modules/old/package.json": "{}", "node_modules/old/index.js": "module.exports = 1;" };
  assert.match(why('import old from "old"; export function transform() {}', package_), /node_modules\/old\/index.js is a CommonJS module/);
  const module = { "src/other.js": 'export const to = "x";', "src/data.json": '{"a": 1}' };
  const source = 'import { to } from "./other.js"; import data from "./data.json"; export function transform(r, e) { e.client(to).json(data); }';
  assert.deepEqual(instance("transform", source, module).transform([{}]), [[[0, "x", "", '{"a":1}']]]);
});
