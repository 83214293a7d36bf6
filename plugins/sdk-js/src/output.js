/** What routes and policies write to Kafka: topics, keys and headers. */

import { ABSENT } from "./record.js";
import { typeOf } from "./shape.js";

/** The words of a decision, of a route and of a policy. */
export const DECISION = { words: 9 };

/** Answers of a batch: rows of words that point into the arena. */
export class Decisions {
  constructor(arena) {
    this.arena = arena;
    this.decisions = [];
    this.headers = [];
  }

  /** The span of a text, of bytes, or of nothing. */
  span(value, what) {
    const { arena } = this;
    if (value === null || value === undefined) return [ABSENT, 0];
    const start = arena.at;
    if (typeof value === "string") arena.text(value);
    else if (value instanceof Uint8Array) arena.bytes(value);
    else throw new TypeError(`${what} is ${typeOf(value)}, expected a string, a Uint8Array or null`);
    return [start, arena.at - start];
  }

  /** Adds headers: the index of the first and their number. */
  addHeaders(headers = []) {
    const first = this.headers.length / 4;
    for (const { name, value } of headers) {
      if (typeof name !== "string") throw new TypeError(`a header's name is ${typeOf(name)}, expected a string`);
      this.headers.push(...this.span(name, "a header's name"), ...this.span(value, "a header's value"));
    }
    return [first, headers.length];
  }
}
