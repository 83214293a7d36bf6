/** A small host: runs a plugin's core module in Node.js, through the contract's binary interface. */

import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PACKAGE } from "../build/engine.js";
import { build } from "../build/main.js";
import { longAt, longOf } from "../src/record.js";
import { NativeArena, flat } from "../src/testing/memory.js";

const SDK = dirname(dirname(fileURLToPath(import.meta.url)));

/** Builds a plugin of these files; `src/plugin.js` is its own. */
export function built(kind, source, files = {}) {
  const folder = mkdtempSync(join(tmpdir(), "millstream-"));
  try {
    const engine = join("node_modules", PACKAGE);
    mkdirSync(dirname(join(folder, engine)), { recursive: true });
    symlinkSync(join(SDK, engine), join(folder, engine));
    const all = { "package.json": '{"main": "src/plugin.js"}', "src/plugin.js": source, ...files };
    for (const [path, text] of Object.entries(all)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return build(kind, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An instance of a core module. */
export class Instance {
  constructor(core, kind) {
    this.panic = undefined;
    this.lines = [];
    this.clocks = [];
    const panicked = (record, start, length) => {
      this.panic = { record, message: this.text(start, length) };
    };
    const write = (record, level, start, length) => this.lines.push([record, level, this.text(start, length)]);
    const at = (record) => this.clocks[record] ?? -1n;
    const module = core instanceof WebAssembly.Module ? core : new WebAssembly.Module(core);
    const interfaces = { diagnostics: { panicked }, log: { write }, clock: { at } };
    const imports = Object.entries(interfaces).map(([name, own]) => [`millstream:plugin/${name}@0.1.0`, own]);
    this.exports = new WebAssembly.Instance(module, Object.fromEntries(imports)).exports;
    this.prefix = `millstream:plugin/${kind}@0.1.0#`;
  }

  bytes(start, length) {
    return new Uint8Array(this.exports.memory.buffer, start, length);
  }

  text(start, length) {
    return Buffer.from(this.bytes(start, length)).toString();
  }

  words(start, count) {
    return Array.from(new Int32Array(this.exports.memory.buffer, start, count));
  }

  put(bytes) {
    const address = this.exports.cabi_realloc(0, 0, 8, bytes.length);
    this.bytes(address, bytes.length).set(bytes);
    return address;
  }

  /** The plugin's refusal, or undefined and the payload's word. */
  configure(config = {}) {
    const json = Buffer.from(JSON.stringify(config));
    const [status, word, length] = this.words(this.exports[`${this.prefix}configure`](this.put(json), json.length), 3);
    return status === 1 ? { refusal: this.text(word, length) } : { word };
  }

  /** Runs test records; `rowsOf` makes the rows of a route's events or of failures. */
  run(records, rowsOf, size) {
    return this.answered(this.exports[`${this.prefix}run`](...this.lowered(records, rowsOf, size)));
  }

  /** The arguments of a call. */
  lowered(records, rowsOf, size) {
    const { batch, rows } = flat(records, rowsOf);
    const { memory: arena, words } = batch;
    const bytes = (from, to) => new Uint8Array(words.buffer, 4 * from, 4 * (to - from));
    const list = [arena.bytes(0, arena.at), bytes(0, batch.headers), bytes(batch.headers, rows), bytes(rows, words.length)];
    const [place, recordsAt, headersAt, rowsAt] = list.map((part) => this.put(part));
    const counts = [records.length, (rows - batch.headers) / 4, (words.length - rows) / (size ?? 1)];
    const more = size === undefined ? [] : [rowsAt, counts[2]];
    return [place, arena.at, ...batch.origin, 0, recordsAt, counts[0], headersAt, counts[1], ...more];
  }

  answered(address) {
    const [start, , first, firstCount, second, secondCount] = this.words(address, 6);
    return { text: (at, length) => this.text(start + at, length), first: [first, firstCount], second: [second, secondCount] };
  }

  rows([start, count], size) {
    return Array.from({ length: count }, (_, i) => this.words(start + 4 * size * i, size));
  }

  /** For each record the keys that the plugin names. */
  keys(records) {
    const [start, , keys, count] = this.words(this.exports[`${this.prefix}keys`](...this.lowered(records)), 4);
    const named = records.map(() => []);
    for (const [record, at, length] of this.rows([keys, count], 3)) named[record].push(this.text(start + at, length));
    return named;
  }

  /**
   * Runs a transform with state: for each record its events or failure, and the
   * writes. `kept` has pairs of a value and its end; the clocks are `this.clocks`.
   */
  stateful(records, kept = {}) {
    const named = this.keys(records);
    const keys = [...new Set(named.flat())];
    const arena = new NativeArena();
    const entries = keys.flatMap((key) => {
      const [value = null, expires = Infinity] = kept[key] ?? [];
      return [...arena.span(key), ...arena.span(value), ...longOf(expires)];
    });
    const indices = named.flat().map((key) => keys.indexOf(key));
    const clocks = records.flatMap((_, i) => longOf(Number(this.clocks[i] ?? -1n)));
    const list = (words, size = 1) => [this.put(new Uint8Array(Int32Array.from(words).buffer)), words.length / size];
    const state = [
      this.put(arena.bytes(0, arena.at)), arena.at,
      ...list(entries, 6), ...list(indices), ...list(named.map(({ length }) => length)), ...list(clocks, 2),
    ];
    const [all] = list([...this.lowered(records), ...state]);
    const address = this.exports[`${this.prefix}run`](all);
    const [start, , , , , , writes, count] = this.words(address, 8);
    const written = this.rows([writes, count], 6).map(([record, entry, at, length, ...expires]) =>
      [record, keys[entry], at === -1 ? null : this.text(start + at, length), longAt(expires, 0)]);
    return { out: this.results(records, address), written };
  }

  /** For each record its events, or its failure, as short arrays. */
  transform(records) {
    return this.results(records, this.exports[`${this.prefix}run`](...this.lowered(records)));
  }

  results(records, answer) {
    const { text, first, second } = this.answered(answer);
    const out = records.map(() => []);
    for (const [record, address, a, b, c, d, e, f] of this.rows(first, 8)) {
      out[record].push([address, text(a, b), text(c, d), text(e, f)]);
    }
    for (const [record, number, start, length] of this.rows(second, 4)) out[record] = { class: number, message: text(start, length) };
    return out;
  }
}

/** A configured instance of a plugin with this source, which exports the interface `name`. */
export function instance(kind, source, files, name = kind) {
  const made = new Instance(built(kind, source, files), name);
  made.configure();
  return made;
}
