/** A Kafka record, as a plugin sees it. */

import { Failure } from "./failure.js";
import { parse } from "./json.js";
import { check } from "./shape.js";

/** The words of a record in a batch, and where each field begins. */
export const RECORD = { words: 10, offset: 0, timestamp: 2, key: 4, value: 6, headers: 8 };

/** The words of a header. */
export const HEADER = { words: 4, name: 0, value: 2 };

/** The start of an absent value. */
export const ABSENT = -1;

/** The current record of a batch while there is none. */
export const NO_RECORD = -1;

const HIGH = 0x1_0000_0000;

/** A signed integer of 64 bits, which begins at a word; exact up to 2^53. */
export const longAt = (words, at) => words[at + 1] * HIGH + (words[at] >>> 0);

/** Its two words; the largest one for all that is larger. */
export const longOf = (value) => (value >= 2 ** 63 ? [-1, 0x7fff_ffff] : [value | 0, Math.floor(value / HIGH)]);

/** A Kafka record. Its bytes are views of the batch: copy what is kept. */
export class Record {
  constructor(batch, index) {
    this._batch = batch;
    this._at = batch.records + index * RECORD.words;
  }

  get topic() {
    return this._batch.topic;
  }

  get partition() {
    return this._batch.partition;
  }

  get offset() {
    return longAt(this._batch.words, this._at + RECORD.offset);
  }

  get timestamp() {
    const timestamp = longAt(this._batch.words, this._at + RECORD.timestamp);
    return timestamp < 0 ? null : timestamp;
  }

  get key() {
    return this.#bytes(RECORD.key);
  }

  get value() {
    return this.#bytes(RECORD.value);
  }

  get headers() {
    const { words, headers } = this._batch;
    const first = words[this._at + RECORD.headers];
    const count = words[this._at + RECORD.headers + 1];
    return Array.from({ length: count }, (_, i) => {
      const at = headers + (first + i) * HEADER.words;
      return { name: this._batch.textAt(at + HEADER.name), value: this._batch.bytesAt(at + HEADER.value) };
    });
  }

  header(name) {
    return this.headers.findLast((header) => header.name === name)?.value ?? null;
  }

  text() {
    const { words, memory } = this._batch;
    const start = words[this._at + RECORD.value];
    if (start === ABSENT) throw Failure.malformed("the record has no value (a tombstone)");
    const length = words[this._at + RECORD.value + 1];
    const text = memory.text(start, length);
    if (text === undefined) {
      throw Failure.malformed(`the value is not UTF-8 at byte ${validUpTo(memory.bytes(start, length))}`);
    }
    return text;
  }

  json(shape) {
    const { words, memory } = this._batch;
    const start = words[this._at + RECORD.value];
    if (start === ABSENT) throw Failure.malformed("the record has no value (a tombstone)");
    const value = parse(memory, start, words[this._at + RECORD.value + 1]);
    if (shape !== undefined) check(value, shape);
    return value;
  }

  #bytes(field) {
    return this._batch.bytesAt(this._at + field);
  }
}

/** A batch in the boundary's format. `words` holds its records and headers. */
export class Batch {
  constructor(memory, words, { topic, partition, records, headers, count }) {
    this.memory = memory;
    this.words = words;
    this.partition = partition;
    this.records = records;
    this.headers = headers;
    this.count = count;
    this.origin = topic;
    this.current = NO_RECORD;
  }

  /** Decoded when it is asked for. */
  get topic() {
    const topic = this.memory.text(...this.origin) ?? "";
    Object.defineProperty(this, "topic", { value: topic });
    return topic;
  }

  /** The text of the span at a word; the host sends UTF-8 where the contract requires it. */
  textAt(at) {
    const start = this.words[at];
    return start === ABSENT ? "" : this.memory.text(start, this.words[at + 1]) ?? "";
  }

  /** The bytes of the span at a word, or null. */
  bytesAt(at) {
    const start = this.words[at];
    return start === ABSENT ? null : this.memory.bytes(start, this.words[at + 1]);
  }
}

/** The length of the longest prefix that is UTF-8. */
export function validUpTo(bytes) {
  let at = 0;
  while (at < bytes.length) {
    const length = sequence(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return at;
}

/** The length of the UTF-8 sequence at `at`, or 0 if there is none. */
function sequence(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  for (let i = 1; i < length; i++) {
    const least = i > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const most = i > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    const byte = bytes[at + i];
    if (byte === undefined || byte < least || byte > most) return 0;
  }
  return length;
}
