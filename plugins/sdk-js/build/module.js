/**
 * Reads and writes WebAssembly core modules, as far as the build needs it: it
 * puts functions in the place of imports, adds functions and exports, and
 * replaces the initial memory.
 */

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** The sections that the build reads or writes. */
export const SECTION = {
  type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, element: 9, code: 10, data: 11,
};

/** Value types. */
export const I32 = 0x7f;
export const I64 = 0x7e;

/** An unsigned LEB128 number. */
export function u32(value) {
  const bytes = [];
  do {
    const low = value & 0x7f;
    value >>>= 7;
    bytes.push(value === 0 ? low : low | 0x80);
  } while (value !== 0);
  return bytes;
}

/** A signed LEB128 number. */
export function s32(value) {
  const bytes = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    if ((value === 0 && !(low & 0x40)) || (value === -1 && low & 0x40)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** A name: its length and its bytes. */
export function name(text) {
  const bytes = Buffer.from(text);
  return [...u32(bytes.length), ...bytes];
}

/** A vector of encoded items. */
export function vector(items) {
  return [...u32(items.length), ...items.flat()];
}

/** A place in a module's bytes. */
export class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  u32() {
    let [value, shift, byte] = [0, 0, 0];
    do {
      byte = this.byte();
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte & 0x80);
    return value >>> 0;
  }

  /** Skips a LEB128 number of any length. */
  skip() {
    while (this.byte() & 0x80);
  }

  take(length) {
    return this.bytes.subarray(this.at, (this.at += length));
  }

  name() {
    return Buffer.from(this.take(this.u32())).toString();
  }

  /** `read` called for each item of a vector. */
  vector(read) {
    return Array.from({ length: this.u32() }, read);
  }
}

/** The sections of a module, by their number; custom sections are left out. */
export function sections(bytes) {
  const reader = new Reader(bytes, MAGIC.length);
  const found = new Map();
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const content = reader.take(reader.u32());
    if (id !== 0) found.set(id, content);
  }
  return found;
}

/** A module of these sections: pairs of a number and its content. */
export function module(list) {
  const parts = [Buffer.from(MAGIC)];
  for (const [id, content] of list) parts.push(Buffer.from([id, ...u32(content.length)]), Buffer.from(content));
  return Buffer.concat(parts);
}

/**
 * A function's body whose calls are renumbered by `renumber`.
 *
 * Only the instructions of WebAssembly 2.0 without vectors are known; others
 * throw, so that a changed engine is noticed.
 */
export function renumbered(body, renumber) {
  const reader = new Reader(body);
  const parts = [];
  let copied = 0;
  reader.vector(() => [reader.u32(), reader.byte()]);
  while (reader.at < body.length) {
    const opcode = reader.byte();
    if (opcode === 0x10 || opcode === 0xd2) {
      parts.push(body.subarray(copied, reader.at), Buffer.from(u32(renumber(reader.u32()))));
      copied = reader.at;
    } else {
      skipOperands(reader, opcode);
    }
  }
  parts.push(body.subarray(copied));
  return Buffer.concat(parts);
}

function skipOperands(reader, opcode) {
  if (opcode >= 0x45 && opcode <= 0xc4) return;
  if (opcode >= 0x28 && opcode <= 0x3e) return skipTimes(reader, 2);
  switch (opcode) {
    case 0x00: case 0x01: case 0x05: case 0x0b: case 0x0f: case 0x1a: case 0x1b: case 0xd1:
      return;
    case 0x02: case 0x03: case 0x04: case 0x0c: case 0x0d: case 0x20: case 0x21: case 0x22: case 0x23: case 0x24:
    case 0x25: case 0x26: case 0x3f: case 0x40: case 0x41: case 0x42: case 0xd0:
      return reader.skip();
    case 0x0e:
      return skipTimes(reader, reader.u32() + 1);
    case 0x11:
      return skipTimes(reader, 2);
    case 0x1c:
      return skipTimes(reader, reader.u32());
    case 0x43:
      return void reader.take(4);
    case 0x44:
      return void reader.take(8);
    case 0xfc:
      return skipBulk(reader, reader.u32());
    default:
      throw new Error(`the engine uses the unknown instruction 0x${opcode.toString(16)}`);
  }
}

function skipBulk(reader, opcode) {
  if (opcode <= 7) return;
  if ([8, 10, 12, 14].includes(opcode)) return skipTimes(reader, 2);
  if (opcode <= 17) return skipTimes(reader, 1);
  throw new Error(`the engine uses the unknown instruction 0xfc ${opcode}`);
}

function skipTimes(reader, times) {
  for (let i = 0; i < times; i++) reader.skip();
}
