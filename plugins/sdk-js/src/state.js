/** The values of the current record's keys. */

import { Failure } from "./failure.js";
import { explain } from "./json.js";
import { validUpTo } from "./record.js";
import { typeOf } from "./shape.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class State {
  constructor(values) {
    this._batch = values;
  }

  get(key) {
    const value = this._batch.find(key);
    if (value === null) return null;
    if (typeof value === "string") return encoder.encode(value);
    return (value instanceof Uint8Array ? value : this._batch.memory.bytes(value.start, value.length)).slice();
  }

  text(key) {
    const text = textOf(this._batch, key);
    if (text !== undefined) return text;
    throw Failure.rejected(`the kept value is not UTF-8 at byte ${validUpTo(this.get(key))}`);
  }

  json(key) {
    const text = textOf(this._batch, key);
    if (text === null) return null;
    try {
      if (text !== undefined) return JSON.parse(text);
    } catch {
      // Explained below.
    }
    throw Failure.rejected(`the kept value is not the expected JSON: ${explain(this.get(key))}`);
  }

  set(key, value) {
    this._batch.write(key, kept(value), Infinity);
  }

  setFor(key, value, milliseconds) {
    if (!(milliseconds >= 0)) throw new TypeError(`setFor was given the time ${milliseconds}, expected milliseconds`);
    this._batch.write(key, kept(value), Math.max(this._batch.now, 0) + Math.trunc(milliseconds));
  }

  setJson(key, value) {
    let text;
    try {
      text = JSON.stringify(value);
    } catch (error) {
      throw Failure.rejected(`the value can't be written as JSON: ${error.message}`);
    }
    if (text === undefined) throw Failure.rejected(`the value can't be written as JSON: it is ${typeOf(value)}`);
    this.set(key, text);
  }

  remove(key) {
    this._batch.write(key, null, Infinity);
  }

  now() {
    const { now } = this._batch;
    return now < 0 ? null : now;
  }
}

/** A key's value as a text, null if it has none, or undefined if it is not UTF-8. */
function textOf(values, key) {
  const value = values.find(key);
  if (value === null || typeof value === "string") return value;
  return value instanceof Uint8Array ? decoded(value) : values.memory.text(value.start, value.length);
}

/** A copy: the author may change the bytes. */
function kept(value) {
  if (typeof value === "string") return value.toWellFormed();
  if (value instanceof Uint8Array) return value.slice();
  throw new TypeError(`the value is ${typeOf(value)}, expected a string or a Uint8Array; setJson takes other values`);
}

/** The text of bytes, or undefined if they are not UTF-8. */
export function decoded(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
