/** The keys of records, which a transform with state names before it runs. */

import { notAsync } from "./config.js";
import { Failure } from "./failure.js";
import { NO_RECORD, Record } from "./record.js";
import { typeOf } from "./shape.js";

/** The words of a key in the answer. */
export const KEY = { words: 3 };

/** Collects the keys of the current record. `_names` are not for authors. */
export class Keys {
  constructor(arena) {
    this._arena = arena;
    this._rows = [];
    this._record = 0;
  }

  add(key) {
    const arena = this._arena;
    const start = arena.at;
    if (isText(key)) arena.text(key.toWellFormed());
    else arena.bytes(key);
    this._rows.push(this._record, start, arena.at - start);
  }
}

/** Whether a key is a text, or bytes. Others come from the record's data: it fails. */
export function isText(key) {
  if (typeof key === "string") return true;
  if (key instanceof Uint8Array) return false;
  throw Failure.rejected(`the key is ${key === undefined ? "absent" : typeOf(key)}, expected a string or a Uint8Array`);
}

/**
 * The keys of a batch, as rows with texts in `arena`. A record that can't be
 * read has none: its failure is that of `transform`, which reads it again.
 */
export function nameKeys(plugin, batch, arena) {
  const keys = new Keys(arena);
  const rows = keys._rows;
  for (let index = 0; index < batch.count; index++) {
    batch.current = keys._record = index;
    const { at } = arena;
    const { length } = rows;
    try {
      const named = notAsync("keys", plugin.keys(new Record(batch, index), keys));
      if (named !== undefined) throw new TypeError(`keys must return nothing, not ${typeOf(named)}: name keys with keys.add(...)`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      arena.at = at;
      rows.length = length;
    }
  }
  batch.current = NO_RECORD;
  return rows;
}
