/** Memory as in the host, and the batch that test records form. */

import { configure } from "../config.js";
import { ABSENT, Batch, longOf } from "../record.js";
import { begin } from "./clock.js";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Bytes that grow, and can be read as a batch's memory. */
export class NativeArena {
  #bytes = new Uint8Array(1024);
  at = 0;

  text(text, length) {
    if (length !== undefined) return this.#read(text, length);
    this.bytes(text.isWellFormed?.() === false ? surrogates(text) : encoder.encode(text));
    return undefined;
  }

  bytes(bytes, length) {
    if (length !== undefined) return this.#bytes.subarray(bytes, bytes + length);
    if (this.at + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.at + bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.at);
    this.at += bytes.length;
    return undefined;
  }

  /** The span of a text or of bytes that are added; absent if there are none. */
  span(value) {
    if (value === null || value === undefined) return [ABSENT, 0];
    const start = this.at;
    if (typeof value === "string") this.text(value);
    else this.bytes(value);
    return [start, this.at - start];
  }

  #read(start, length) {
    try {
      return decoder.decode(this.bytes(start, length));
    } catch {
      return undefined;
    }
  }
}

/** As the engine writes halves of surrogate pairs: three bytes each, which are not UTF-8. */
function surrogates(text) {
  return Uint8Array.from(
    Array.from(text, (character) => {
      const code = character.codePointAt(0);
      return code < 0xd800 || code > 0xdfff
        ? [...encoder.encode(character)]
        : [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
    }).flat(),
  );
}

/**
 * A batch of test records, and the rows of `rowsOf` behind it, whose first word
 * is returned. The partition's time was `clock` before it, and the first record
 * has the offset `offset`.
 */
export function flat(records, rowsOf = () => [], { clock = -1, offset = 0 } = {}) {
  const arena = new NativeArena();
  const topic = arena.span("topic");
  const headers = [];
  const words = records.flatMap(({ key, value, json, timestamp = -1, headers: own = [] }, index) => {
    const first = headers.length / 4;
    for (const { name, value } of own) headers.push(...arena.span(name), ...arena.span(value));
    const payload = json === undefined ? value : JSON.stringify(json);
    return [
      ...longOf(offset + index), ...longOf(timestamp), ...arena.span(key), ...arena.span(payload), first, own.length,
    ];
  });
  const rows = rowsOf(arena).flat();
  const all = Int32Array.from([...words, ...headers, ...rows]);
  const batch = new Batch(arena, all, {
    topic, partition: 0, records: 0, headers: words.length, count: records.length,
  });
  begin(batch, records, clock);
  return { batch, rows: words.length + headers.length };
}

/** Configures a plugin for a test, or throws its refusal. */
export function configured(plugin, config) {
  const refusal = configure(plugin, typeof config === "string" ? config : JSON.stringify(config));
  if (refusal !== undefined) throw new Error(refusal);
}

/** The bytes of a span of an answer, or null. */
export function bytesOf(arena, start, length) {
  return start === ABSENT ? null : arena.bytes(start, length).slice();
}

/** Rows of words, each an array. */
export function rowsOf(words, size) {
  return Array.from({ length: words.length / size }, (_, i) => words.slice(i * size, (i + 1) * size));
}

/** Headers of an answer. */
export function headersOf({ arena, headers }, first, count) {
  return rowsOf(headers.slice(4 * first, 4 * (first + count)), 4).map(([name, nameLength, value, valueLength]) => ({
    name: arena.text(name, nameLength), value: bytesOf(arena, value, valueLength),
  }));
}
