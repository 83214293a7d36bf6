/**
 * The plugin's linear memory, through a view of all of it and a few functions
 * of the core module. Only the SDK has them: the globals are removed before the
 * author's modules are loaded.
 */

import { longAt, validUpTo } from "../record.js";

const { __heap, __mailbox, __text, __put, __allocate, __free, __log, __clock } = globalThis;
for (const name of ["heap", "mailbox", "text", "put", "allocate", "free", "log", "clock"]) delete globalThis[`__${name}`];

/** The address of the view's first byte. */
const BASE = 1024;

const heap = new Uint8Array(__heap);

/** The memory in words of 32 bits. */
export const words = new Int32Array(__heap);

/** The index of an address in `words`. */
export const wordAt = (address) => (address - BASE) >> 2;

/** The index of the mailbox in `words`. */
export const mailbox = __mailbox;

// The core module reads the arguments as integers: `| 0` keeps the engine from
// passing them as floating-point numbers.

/** Reserves bytes: their address. */
export function allocate(size) {
  const address = __allocate(size | 0) | 0;
  if (address === 0) throw new Error("out of memory");
  return address;
}

/** Frees what `allocate` or the host reserved. */
export function free(address) {
  __free(address | 0);
}

/** What the core module leaves in the mailbox's first word. */
const ASCII = 3;

const REPLACEMENT = "\ufffd";

/**
 * The text at an address, with U+FFFD in the place of what is not UTF-8. The
 * core module tells in the mailbox whether it is ASCII.
 */
function textAt(address, length) {
  const text = __text(address | 0, length | 0);
  if (text.length >= length) return text;
  // Longer than its text: not ASCII, or the engine ended at a zero byte.
  const bytes = heap.subarray(address - BASE, address - BASE + length);
  let zero = bytes.indexOf(0);
  if (zero < 0) return text;
  const status = words[mailbox];
  const parts = [text];
  while (zero >= 0) {
    const next = bytes.indexOf(0, zero + 1);
    const end = next < 0 ? length : next;
    parts.push(__text((address + zero + 1) | 0, (end - zero - 1) | 0));
    zero = next;
  }
  // The first call has seen all bytes.
  words[mailbox] = status;
  return parts.join("\0");
}

/** The arena of a call at `address`: what a batch reads. */
export class Memory {
  constructor(address, length) {
    this.address = address;
    this.length = length;
    this.copy = undefined;
  }

  /** A text, or undefined if it is not UTF-8. */
  text(start, length) {
    const text = textAt(this.address + start, length);
    if (words[mailbox] === ASCII) return text;
    return text.includes(REPLACEMENT) && validUpTo(this.bytes(start, length)) < length ? undefined : text;
  }

  /** Bytes of a copy of the arena: the author never sees the memory itself. */
  bytes(start, length) {
    const from = this.address - BASE;
    this.copy ??= __heap.slice(from, from + this.length);
    return new Uint8Array(this.copy, start, length);
  }
}

/** The arena of answers; it is used again for the next one. */
class Arena {
  constructor() {
    this.at = 0;
    this.size = 1 << 16;
    this.address = allocate(this.size);
  }

  text(text) {
    const { at } = this;
    if (at + 3 * text.length >= this.size) this.grow(3 * text.length + 1);
    const length = __put(text, (this.address + at) | 0);
    if (length >= text.length) this.at = at + length;
    else this.withZeros(text);
  }

  bytes(bytes) {
    if (this.at + bytes.length > this.size) this.grow(bytes.length);
    heap.set(bytes, this.address - BASE + this.at);
    this.at += bytes.length;
  }

  /** The engine ends a text at its first zero character. */
  withZeros(text) {
    const parts = text.split("\0");
    parts.forEach((part, i) => {
      if (i > 0) this.bytes(Uint8Array.of(0));
      if (part !== "") this.text(part);
    });
  }

  grow(more) {
    const size = Math.max(2 * this.size, this.at + more);
    const address = allocate(size);
    const from = this.address - BASE;
    heap.copyWithin(address - BASE, from, from + this.at);
    free(this.address);
    this.size = size;
    this.address = address;
  }
}

/** The one arena. */
export const arena = new Arena();

/** A copy of a text's bytes, for TextEncoder. */
export function encoded(text) {
  const before = arena.at;
  arena.text(text.toWellFormed());
  const from = arena.address - BASE;
  const bytes = new Uint8Array(__heap.slice(from + before, from + arena.at));
  arena.at = before;
  return bytes;
}

/** The text of bytes, and whether they are UTF-8, for TextDecoder. */
export function decoded(bytes) {
  const address = allocate(bytes.length + 1);
  heap.set(bytes, address - BASE);
  const text = textAt(address, bytes.length);
  free(address);
  return { text, valid: !text.includes(REPLACEMENT) || validUpTo(bytes) === bytes.length };
}

/** The host keeps so many bytes of a line. */
const LINE = 1024;

/** Writes a line to the host's log, cut at a character. */
export function logLine(record, level, text) {
  const before = arena.at;
  // Each character has a byte at least.
  arena.text(text.slice(0, LINE + 1).toWellFormed());
  const from = arena.address - BASE + before;
  let length = arena.at - before;
  if (length > LINE) {
    length = LINE;
    while ((heap[from + length] & 0xc0) === 0x80) length--;
  }
  arena.at = before;
  __log(record | 0, level | 0, (arena.address + before) | 0, length | 0);
}

/** The time at a record; -1 if there is none. */
export function clockAt(record) {
  __clock(record | 0);
  return longAt(words, mailbox + 2);
}
