/** The values of a batch, for a transform with state. */

import { isText } from "./keys.js";
import { ABSENT, longAt, longOf } from "./record.js";
import { State, decoded } from "./state.js";

/** The words of an entry and where each field begins, and the words of a write. */
export const ENTRY = { words: 6, key: 0, value: 2, expires: 4 };
export const WRITE = { words: 6 };

/**
 * The values as the records of a batch see them. `words` holds the lists of the
 * contract's `state`, which begin at these words.
 */
export class Values {
  constructor(memory, words, { entries, named, counts, clocks }) {
    this.memory = memory;
    this.words = words;
    this.entries = entries;
    this.counts = counts;
    this.clocks = clocks;
    this.names = [];
    this.writes = [];
    /** The last write of each entry. */
    this.last = [];
    /** The record's entries are those at these words. */
    this.from = this.to = named;
    this.state = new State(this);
  }

  /** Goes to a record. They come in order. */
  begin(record) {
    this.record = record;
    this.from = this.to;
    this.to += this.words[this.counts + record];
    this.now = longAt(this.words, this.clocks + 2 * record);
    this.before = this.writes.length;
  }

  /** Takes back what the current record wrote. */
  undo() {
    while (this.writes.length > this.before) {
      const { entry, previous } = this.writes.pop();
      this.last[entry] = previous;
    }
  }

  /** The entry of a key that the record named. */
  entry(key) {
    const name = isText(key) ? key.toWellFormed() : nameOf(key);
    for (let at = this.from; at < this.to; at++) {
      if (this.name(this.words[at]) === name) return this.words[at];
    }
    const shown = isText(key) ? key : new TextDecoder().decode(key);
    throw new Error(`the key \`${shown}\` was not named: \`keys\` must name every key that \`transform\` uses`);
  }

  name(entry) {
    const at = this.entries + entry * ENTRY.words;
    const span = [this.words[at + ENTRY.key], this.words[at + ENTRY.key + 1]];
    return this.names[entry] ??= this.memory.text(...span) ?? nameOf(this.memory.bytes(...span));
  }

  /** A key's value: a text or bytes that were written, a span of the memory, or null. */
  find(key) {
    const entry = this.entry(key);
    const { words, now } = this;
    const write = this.last[entry];
    if (write !== undefined) return write.expires > now ? write.value : null;
    const at = this.entries + entry * ENTRY.words;
    if (words[at + ENTRY.value] === ABSENT || longAt(words, at + ENTRY.expires) <= now) return null;
    return { start: words[at + ENTRY.value], length: words[at + ENTRY.value + 1] };
  }

  write(key, value, expires) {
    const entry = this.entry(key);
    const write = { record: this.record, entry, value, expires, previous: this.last[entry] };
    this.last[entry] = write;
    this.writes.push(write);
  }

  /** The rows of everything that was written, with values in `arena`. */
  end(arena) {
    return this.writes.flatMap(({ record, entry, value, expires }) => {
      const start = arena.at;
      if (typeof value === "string") arena.text(value);
      else if (value !== null) arena.bytes(value);
      return [record, entry, value === null ? ABSENT : start, arena.at - start, ...longOf(expires)];
    });
  }
}

/** Keys are compared as texts. A key that is not UTF-8 becomes one that no other key has. */
function nameOf(bytes) {
  return decoded(bytes) ?? `\ud800${bytes.join()}`;
}
