import assert from "node:assert/strict";
import test from "node:test";
import { Instance, built, instance } from "../test-support/host.js";

const NEVER = 2 ** 63;

const stateful = (body, keys = "if (record.key) keys.add(record.key);", imports = "") => instance("transform", `${imports}
import { Failure } from "millstream";
export function keys(record, keys) {
  ${keys}
}
export function transform(record, events, state) {
  ${body}
}`, {}, "stateful-transform");

const COUNT = `
    const count = (state.json(record.key) ?? 0) + 1;
    state.setJson(record.key, count);
    if (record.value) throw Failure.rejected("no");
    events.client("c").json(count);`;

const panicOf = (body, keys) => {
  const made = stateful(body, keys);
  assert.throws(() => made.stateful([{ key: "a" }]), WebAssembly.RuntimeError);
  return made.panic.message;
};

/** What `body` returns for one record with the key `a`, of the value that was kept. */
const returned = (body, kept, clock = -1n) => {
  const made = stateful(`events.client("c").json((() => { ${body} })() ?? null);`);
  made.clocks = [clock];
  const { out: [events] } = made.stateful([{ key: "a" }], kept && { a: kept });
  return Array.isArray(events) ? JSON.parse(events[0][3]) : [events.class, events.message];
};

test("records see what those before them wrote, and a failed one has written nothing", () => {
  const made = stateful(COUNT);
  const { out, written } = made.stateful([{ key: "a" }, { key: "b" }, { key: "a", value: "x" }, { key: "a" }], { b: ["41"] });
  const event = (count) => [[0, "c", "", count]];
  assert.deepEqual(out, [event("1"), event("42"), { class: 0, message: "no" }, event("2")]);
  assert.deepEqual(written, [[0, "a", "1", NEVER], [1, "b", "42", NEVER], [3, "a", "2", NEVER]]);
  assert.deepEqual(made.stateful([{ key: "a" }], { a: ["7"] }).written, [[0, "a", "8", NEVER]]);
});

test("it exports the other interface, and only that", () => {
  const core = new WebAssembly.Module(built("transform", "export function keys() {} export function transform() {}"));
  const names = WebAssembly.Module.exports(core).map(({ name }) => name).filter((name) => name.includes(":"));
  const interface_ = "millstream:plugin/stateful-transform@0.1.0";
  assert.deepEqual(names, [`${interface_}#configure`, `${interface_}#keys`, `${interface_}#run`]);
  assert.equal(WebAssembly.Module.imports(core).length, 1);
  assert.throws(() => built("transform", "export function keys() {}"), /must export a function `transform\(record, events, state\)`/);
});

test("keys are texts and bytes, and a record that can't be read has none", () => {
  const made = stateful("record.json();", `
    keys.add("first");
    keys.add(record.json().id);
    keys.add(new TextEncoder().encode("é"));`);
  const records = [{ json: { id: "x" } }, { value: "not JSON" }, { json: {} }, { json: { id: "\ud800" } }];
  assert.deepEqual(made.keys(records), [["first", "x", "é"], [], [], ["first", "\ufffd", "é"]]);
  assert.equal(made.stateful(records).out[1].message, "not the expected JSON: expected ident, at byte 1");
});

test("a key is the same as text and as bytes", () => {
  const made = stateful(`
    const key = record.key;
    state.set("é", "1");
    state.set(key, state.text(new TextEncoder().encode("é")) + "2");
    events.client("c").json([state.text(key), state.text("é")]);`, 'keys.add("é"); keys.add(record.key);');
  const binary = Uint8Array.of(0xff, 0, 0, 0x61);
  const [[[, , , payload]]] = made.stateful([{ key: "é" }]).out;
  assert.deepEqual(JSON.parse(payload), ["12", "12"]);
  assert.equal(made.keys([{ key: binary }])[0].length, 2);
});

test("values are read as bytes, text and JSON", () => {
  const bytes = 'return state.get("a") && [...state.get("a")];';
  assert.deepEqual(returned(bytes), null);
  assert.deepEqual(returned(bytes, [Uint8Array.of(0, 255, 0)]), [0, 255, 0]);
  assert.deepEqual(returned(bytes, [""]), []);
  assert.deepEqual(returned('return state.text("a");', ["é\0"]), "é\0");
  assert.deepEqual(returned('return state.text("a");'), null);
  assert.deepEqual(returned('return state.text("a");', [Uint8Array.of(0x61, 255)]), [0, "the kept value is not UTF-8 at byte 1"]);
  assert.deepEqual(returned('return state.json("a");', ['{"b":1}']), { b: 1 });
  assert.deepEqual(returned('return state.json("a");'), null);
  assert.deepEqual(returned('return state.json("a");', ["x"]), [0, "the kept value is not the expected JSON: expected value, at byte 0"]);
});

test("what was written is read in each form, and is a copy", () => {
  assert.deepEqual(returned(`
    const bytes = Uint8Array.of(0x31, 0x32);
    state.set("a", bytes);
    bytes[0] = 0;
    const got = state.get("a");
    got[0] = 0;
    return [state.text("a"), state.json("a"), [...state.get("a")]];`), ["12", 12, [0x31, 0x32]]);
  assert.deepEqual(returned('state.set("a", "é"); return [...state.get("a")];'), [0xc3, 0xa9]);
  assert.deepEqual(returned('state.get("a")[0] = 0; return state.text("a");', ["x"]), "x");
  assert.deepEqual(returned('state.remove("a"); return state.get("a");', ["x"]), null);
  assert.deepEqual(returned('state.setJson("a", undefined);'), [0, "the value can't be written as JSON: it is undefined"]);
});

test("values expire", () => {
  const text = 'return state.text("a");';
  assert.deepEqual(returned(text, ["x", 10], 9n), "x");
  assert.deepEqual(returned(text, ["x", 10], 10n), null);
  assert.deepEqual(returned("return state.now();", undefined, -1n), null);
  assert.deepEqual(returned("return state.now();", undefined, 0n), 0);
  const made = stateful(`
    if (record.offset === 0) state.setFor("a", "x", 100.9);
    events.client("c").json(state.text("a"));`);
  made.clocks = [1_700_000_000_000n, 1_700_000_000_099n, 1_700_000_000_100n];
  const { out, written } = made.stateful([{ key: "a" }, { key: "a" }, { key: "a" }]);
  assert.deepEqual(out.map(([[, , , payload]]) => payload), ['"x"', '"x"', "null"]);
  assert.deepEqual(written, [[0, "a", "x", 1_700_000_000_100]]);
  const ever = stateful('state.setFor("a", "x", Infinity); state.setFor("a", "", 5); state.remove("a");');
  assert.deepEqual(ever.stateful([{ key: "a" }]).written, [[0, "a", "x", NEVER], [0, "a", "", 5], [0, "a", null, NEVER]]);
});

test("a mistake of the author's is reported", () => {
  const unnamed = "Error: the key `b` was not named: `keys` must name every key that `transform` uses, at src/plugin.js:";
  for (const use of ["get('b')", "text('b')", "json('b')", "set('b', '')", "setFor('b', '', 1)", "setJson('b', 1)", "remove('b')"]) {
    assert.ok(panicOf(`state.${use};`).startsWith(unnamed), use);
  }
  assert.match(panicOf("state.get(Uint8Array.of(0xff, 0x61));"), /the key `\ufffda` was not named/);
  assert.match(panicOf("throw new Error('\\ud800');"), /^Error: \ufffd, at/);
  assert.match(panicOf("state.set('a', 1);"), /the value is a number, expected a string or a Uint8Array; setJson takes/);
  assert.match(panicOf("state.setFor('a', '');"), /setFor was given the time undefined, expected milliseconds/);
  assert.match(panicOf("", "return Promise.resolve();"), /keys must not be async/);
  assert.match(panicOf("", "null.x;"), /TypeError.* at src\/plugin.js:4/);
  const absent = stateful("state.get(record.json().id);", "keys.add(record.json().id);").stateful([{ json: {} }]);
  assert.deepEqual(absent.out, [{ class: 0, message: "the key is absent, expected a string or a Uint8Array" }]);
});

test("it logs and has the clock", () => {
  const made = stateful("console.log(state, now());", "console.log('keys'); keys.add('a');", 'import "millstream/log"; import { now } from "millstream/clock";');
  made.clocks = [3n, 4n];
  made.stateful([{}, {}]);
  assert.deepEqual(made.lines, [[0, 2, "keys"], [1, 2, "keys"], [0, 2, "{} 3"], [1, 2, "{} 4"]]);
});

test("an instance runs for long without growing", () => {
  const made = new Instance(built("transform", `export function keys(record, keys) { keys.add(record.key); }
export function transform(record, events, state) { state.set(record.key, state.text(record.key) ?? "x".repeat(1000)); }`), "stateful-transform");
  made.configure();
  const records = Array.from({ length: 200 }, (_, i) => ({ key: `key ${i % 20}` }));
  const once = () => made.stateful(records, { "key 1": ["v".repeat(5000)] });
  for (let i = 0; i < 20; i++) once();
  const size = made.exports.memory.buffer.byteLength;
  for (let i = 0; i < 200; i++) once();
  assert.equal(made.exports.memory.buffer.byteLength, size);
});

test("keys that are returned, and a transform with state without `keys`, are explained", () => {
  assert.match(panicOf("", "return [record.key];"), /keys must return nothing, not an array: name keys with keys\.add\(\.\.\.\)/);
  const says = /takes a third argument, state, but the plugin does not export a function `keys\(record, keys\)`/;
  assert.throws(() => built("transform", "export function transform(record, events, state) {}"), says);
});
