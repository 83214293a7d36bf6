/** A small host: runs a plugin's core module in Node.js, through the contract's binary interface. */

import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PACKAGE } from "../build/engine.js";
import { build } from "../build/main.js";
import { flat } from "../src/testing/memory.js";

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
    const panicked = (record, start, length) => {
      this.panic = { record, message: this.text(start, length) };
    };
    const module = core instanceof WebAssembly.Module ? core : new WebAssembly.Module(core);
    this.exports = new WebAssembly.Instance(module, { "millstream:plugin/diagnostics@0.1.0": { panicked } }).exports;
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
    const { batch, rows } = flat(records, rowsOf);
    const { memory: arena, words } = batch;
    const bytes = (from, to) => new Uint8Array(words.buffer, 4 * from, 4 * (to - from));
    const list = [arena.bytes(0, arena.at), bytes(0, batch.headers), bytes(batch.headers, rows), bytes(rows, words.length)];
    const [place, recordsAt, headersAt, rowsAt] = list.map((part) => this.put(part));
    const counts = [records.length, (rows - batch.headers) / 4, (words.length - rows) / (size ?? 1)];
    const more = size === undefined ? [] : [rowsAt, counts[2]];
    const answer = this.words(
      this.exports[`${this.prefix}run`](place, arena.at, ...batch.origin, 0, recordsAt, counts[0], headersAt, counts[1], ...more), 6,
    );
    const [start, , first, firstCount, second, secondCount] = answer;
    return { text: (at, length) => this.text(start + at, length), first: [first, firstCount], second: [second, secondCount] };
  }

  /** For each record its events, or its failure, as short arrays. */
  transform(records) {
    const { text, first, second } = this.run(records);
    const out = records.map(() => []);
    const rows = ([start, count], size) =>
      Array.from({ length: count }, (_, i) => this.words(start + 4 * size * i, size));
    for (const [record, address, a, b, c, d, e, f] of rows(first, 8)) {
      out[record].push([address, text(a, b), text(c, d), text(e, f)]);
    }
    for (const [record, number, start, length] of rows(second, 4)) out[record] = { class: number, message: text(start, length) };
    return out;
  }
}

/** A configured instance of a plugin with this source. */
export function instance(kind, source, files) {
  const made = new Instance(built(kind, source, files), kind);
  made.configure();
  return made;
}
