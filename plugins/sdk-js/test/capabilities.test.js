import assert from "node:assert/strict";
import test from "node:test";
import { Instance, built, instance } from "../test-support/host.js";

const transform = (imports, body, files) => instance("transform", `${imports}
import { Failure } from "millstream";
export function transform(record, events) {
  ${body}
}`, files);

const importsOf = (source, files) => WebAssembly.Module.imports(new WebAssembly.Module(built("transform", source, files)))
  .map(({ module, name }) => `${module.replace("millstream:plugin/", "")} ${name}`);

const [ERROR, WARN, INFO, DEBUG] = [0, 1, 2, 3];

test("a plugin imports what its modules import", () => {
  const plain = "export function transform() {}";
  const [diagnostics, log, clock] = ["diagnostics@0.1.0 panicked", "log@0.1.0 write", "clock@0.1.0 at"];
  assert.deepEqual(importsOf(plain), [diagnostics]);
  assert.deepEqual(importsOf(`import "millstream/log"; ${plain}`), [diagnostics, log]);
  assert.deepEqual(importsOf(`import { now } from "millstream/clock"; ${plain}`), [diagnostics, clock]);
  const both = { "src/other.js": 'import "millstream/clock"; import "millstream/log";' };
  assert.deepEqual(importsOf(`import "./other.js"; ${plain}`, both), [diagnostics, log, clock]);
});

test("lines are about the current record", () => {
  const made = new Instance(built("transform", `import * as log from "millstream/log";
export function configure() { log.info("configured"); }
export function transform(record) { log.error("at", record.offset); log.warn("w"); log.info("i"); log.debug("d"); }`), "transform");
  made.configure();
  made.transform([{}, {}]);
  const of = (record) => [[record, ERROR, `at ${record}`], [record, WARN, "w"], [record, INFO, "i"], [record, DEBUG, "d"]];
  assert.deepEqual(made.lines, [[-1, INFO, "configured"], ...of(0), ...of(1)]);
});

test("the console is logged only if it is asked for", () => {
  const body = `console.error("e"); console.warn("w"); console.info("i"); console.log("l"); console.debug("d");
    console.trace("t"); console.dir({ a: 1 }); console.table([1]); console.assert(true, "x"); console.assert(false, "x");
    events.client("c").text("");`;
  const made = transform('import "millstream/log";', body);
  made.transform([{}]);
  assert.deepEqual(made.lines.map(([, level, line]) => [level, line]), [
    [ERROR, "e"], [WARN, "w"], [INFO, "i"], [INFO, "l"], [DEBUG, "d"],
    [DEBUG, "t"], [INFO, '{"a":1}'], [INFO, "[1]"], [ERROR, "Assertion failed x"],
  ]);
  const without = transform("", body);
  assert.equal(without.transform([{}])[0].length, 1);
  assert.deepEqual(without.lines, []);
});

test("values are written as a small console writes them", () => {
  const made = transform('import { info } from "millstream/log";', `
    const circle = {};
    circle.circle = circle;
    info("a", 1, true, null, undefined, 5n, { b: [1, "é"] }, record.key, new TypeError("bad"), circle);
    info(record);
    info();`);
  made.transform([{ key: "k", value: "v", timestamp: 7, headers: [{ name: "h", value: null }] }]);
  const record = '{"topic":"topic","partition":0,"offset":0,"timestamp":7,"key":"k","value":"v","headers":[{"name":"h","value":null}]}';
  assert.deepEqual(made.lines.map(([, , line]) => line), [
    'a 1 true null undefined "5" {"b":[1,"é"]} k TypeError: bad [object Object]', record, "",
  ]);
});

test("a line is cut at a character, and is UTF-8", () => {
  const made = transform('import { info } from "millstream/log";', `
    for (const line of ["x".repeat(1024), "x".repeat(5000), "x" + "é".repeat(600), "é".repeat(512), "xx" + "😀".repeat(300), "a\\0b", "\\ud800", "x".repeat(1023) + "😀"]) {
      events.client("c").text("before");
      info(line);
    }`);
  const [events] = made.transform([{}]);
  assert.ok(events.every(([, , , payload]) => payload === "before"));
  assert.deepEqual(made.lines.map(([, , line]) => line), [
    "x".repeat(1024), "x".repeat(1024), "x" + "é".repeat(511), "é".repeat(512), "xx" + "😀".repeat(255), "a\0b", "\ufffd", "x".repeat(1023),
  ]);
});

test("the clock is the host's", () => {
  const made = transform('import { now } from "millstream/clock";', 'events.client("c").json(now());');
  made.clocks = [-1n, 0n, 1_700_000_000_123n];
  const out = made.transform([{}, {}, { timestamp: 5 }]);
  assert.deepEqual(out.map(([[, , , payload]]) => payload), ["null", "0", "1700000000123"]);
});

test("a route and a policy log too", () => {
  const route = instance("route", 'import "millstream/log"; export function route(event) { console.log(event.kind, event); }');
  route.run([{}], (arena) => [[0, 0, 0, ...arena.span("ada"), ...arena.span("k"), -1, 0]], 9);
  const record = '{"topic":"topic","partition":0,"offset":0,"timestamp":null,"key":null,"value":null,"headers":[]}';
  const event = `{"address":{"kind":"client","name":"ada"},"client":"ada","group":null,"kind":"k","connected":false,"payload":"","record":${record}}`;
  assert.deepEqual(route.lines, [[0, INFO, `k ${event}`]]);
  const policy = instance("dead-letter", `import { Decision } from "millstream"; import { warn } from "millstream/log";
export function decide(failed) { warn(failed.class); return Decision.drop(); }`);
  policy.run([{}, {}], (arena) => [[1, 1, ...["s", "c", "m", "p", "d"].flatMap((word) => arena.span(word))]], 12);
  assert.deepEqual(policy.lines, [[1, WARN, "c"]]);
});
