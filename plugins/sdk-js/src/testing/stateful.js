import { KEY, nameKeys } from "../keys.js";
import { longAt, longOf } from "../record.js";
import { Answer, run } from "../transform.js";
import { Values, WRITE } from "../values.js";
import { checkKeys, checkValues } from "./checks.js";
import { reached } from "./clock.js";
import { NativeArena, bytesOf, configured, flat, rowsOf } from "./memory.js";
import { results } from "./transform.js";

/** A transform with state under test. It remembers values and time from one run to the next, as a partition does. */
export class StatefulTest {
  /** `plugin` is the plugin's module: `import * as plugin from "../src/plugin.js"`. */
  constructor(plugin, config = {}) {
    if (typeof plugin.keys !== "function") throw new Error("the plugin does not export `keys`: test it with TransformTest");
    this.plugin = plugin;
    this.config = config;
    this.clock = -1;
    this.offset = 0;
    this.values = new Map();
    configured(plugin, config);
  }

  /** The value that is kept under a key now, or null. */
  value(key) {
    const kept = this.values.get(nameOf(key));
    return kept !== undefined && kept.expires > this.clock ? kept.value : null;
  }

  /** That value as a text. */
  text(key) {
    const value = this.value(key);
    return value && new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  }

  /** Runs records one after another, configured anew: for each its events, or its failure. */
  run(records) {
    configured(this.plugin, this.config);
    // One by one: a record that the host refuses must leave no values.
    return records.map((record) => this.#record(record));
  }

  /** Runs one record: its events. Throws its failure. */
  one(record) {
    const [{ events, failure }] = this.run([record]);
    if (failure) throw failure;
    return events;
  }

  #record(record) {
    const { batch } = flat([record], undefined, this);
    this.clock = reached(this.clock);
    this.offset++;
    const arena = new NativeArena();
    const keys = rowsOf(nameKeys(this.plugin, batch, arena), KEY.words).map(([, start, length]) => bytesOf(arena, start, length));
    const refused = checkKeys(keys);
    if (refused) return { events: [], failure: refused };
    const values = this.#lowered(keys);
    const answer = new Answer(new NativeArena());
    run(this.plugin, batch, answer, values);
    const written = rowsOf(values.end(answer.arena), WRITE.words).map((row) => read(row, keys, answer.arena));
    const [result] = results(answer, 1);
    const failure = result.failure ?? checkValues(written.map(({ value }) => value));
    if (failure) return { events: [], failure };
    for (const { key, value, expires } of written) this.values.set(nameOf(key), { value, expires });
    return result;
  }

  /** The contract's `state` for one record with these keys. */
  #lowered(keys) {
    const arena = new NativeArena();
    const entries = keys.flatMap((key) => {
      const { value = null, expires = Infinity } = this.values.get(nameOf(key)) ?? {};
      return [...arena.span(key), ...arena.span(value), ...longOf(expires)];
    });
    const lists = [entries, keys.map((_, entry) => entry), [keys.length], longOf(this.clock)];
    const [, named, counts, clocks] = lists.map((_, n) => lists.slice(0, n).flat().length);
    return new Values(arena, Int32Array.from(lists.flat()), { entries: 0, named, counts, clocks });
  }
}

function read([, entry, start, length, ...expires], keys, arena) {
  return { key: keys[entry], value: bytesOf(arena, start, length), expires: longAt(expires, 0) };
}

/** Bytes as a text, one character each. */
function nameOf(key) {
  return Buffer.from(key).toString("latin1");
}
