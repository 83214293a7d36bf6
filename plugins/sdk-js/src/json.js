/**
 * JSON with failures that name the byte. Engines word their errors differently,
 * so a value that does not parse is read again here, as serde_json reads it.
 */

import { Failure } from "./failure.js";
import { validUpTo } from "./record.js";

/** Parses a value of the batch, or throws a `malformed` failure. */
export function parse(memory, start, length) {
  const text = memory.text(start, length);
  if (text !== undefined) {
    try {
      return JSON.parse(text);
    } catch (error) {
      // Explained below. A RangeError means that it is nested too deeply.
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    }
  }
  throw Failure.malformed(`not the expected JSON: ${explain(memory.bytes(start, length))}`);
}

/** Why `bytes` are not JSON. */
export function explain(bytes) {
  const mark = markOf(bytes);
  if (mark) return mark;
  const scan = new Scan(bytes);
  try {
    scan.document();
  } catch (problem) {
    if (problem instanceof Problem) return `${problem.message}, at byte ${problem.at}`;
    throw problem;
  }
  return `it can't be read, at byte ${bytes.length}`;
}

/** A byte order mark. JSON must not have it (RFC 8259, section 8.1). */
function markOf([first, second, third]) {
  if (first === 0xef && second === 0xbb && third === 0xbf) {
    return "it begins with a byte order mark (EF BB BF), which the producer must leave out";
  }
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return "it begins with the byte order mark of UTF-16, and JSON is UTF-8";
  }
  return undefined;
}

class Problem extends Error {
  constructor(message, at) {
    super(message);
    this.at = at;
  }
}

/** As deep as serde_json goes. */
const DEPTH = 128;

const code = (character) => character.charCodeAt(0);
const [QUOTE, BACKSLASH, COMMA, COLON, MINUS, DOT] = [...'"\\,:-.'].map(code);
const LITERALS = new Map([[code("t"), "true"], [code("f"), "false"], [code("n"), "null"]]);
const BRACKETS = new Map([[code("["), code("]")], [code("{"), code("}")]]);
const ESCAPES = new Set([...'"\\/bfnrt'].map(code));
const isDigit = (byte) => byte >= 0x30 && byte <= 0x39;
const isHex = (byte) => isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
const isSpace = (byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Finds the first error. */
class Scan {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.depth = 0;
  }

  document() {
    this.value("EOF while parsing a value");
    if (this.peek() !== undefined) this.fail("trailing characters");
  }

  /** The next byte that is not white space. */
  peek() {
    while (isSpace(this.bytes[this.at])) this.at++;
    return this.bytes[this.at];
  }

  fail(message, at = this.at) {
    throw new Problem(message, Math.min(at, this.bytes.length));
  }

  value(atEnd) {
    const byte = this.peek();
    if (byte === undefined) this.fail(atEnd);
    const close = BRACKETS.get(byte);
    if (close !== undefined) return this.nested(byte, close);
    if (byte === QUOTE) return this.string();
    if (byte === MINUS || isDigit(byte)) return this.number();
    const literal = LITERALS.get(byte);
    if (literal === undefined) this.fail("expected value");
    this.literal(literal);
  }

  literal(word) {
    for (const character of word) {
      if (this.at >= this.bytes.length) this.fail("EOF while parsing a value");
      if (this.bytes[this.at] !== code(character)) this.fail("expected ident");
      this.at++;
    }
  }

  nested(open, close) {
    if (++this.depth >= DEPTH) this.fail("recursion limit exceeded");
    this.at++;
    if (close === code("]")) this.items(close);
    else this.fields(close);
    this.at++;
    this.depth--;
  }

  items(close) {
    const atEnd = "EOF while parsing a list";
    if (this.peek() === close) return;
    for (;;) {
      this.value(atEnd);
      const byte = this.peek();
      if (byte === close) return;
      if (byte === undefined) this.fail(atEnd);
      if (byte !== COMMA) this.fail("expected `,` or `]`");
      this.at++;
      if (this.peek() === close) this.fail("trailing comma");
      if (this.peek() === undefined) this.fail("EOF while parsing a value");
    }
  }

  fields(close) {
    const atEnd = "EOF while parsing an object";
    if (this.peek() === close) return;
    for (;;) {
      if (this.peek() === undefined) this.fail(atEnd);
      if (this.peek() !== QUOTE) this.fail("key must be a string");
      this.string();
      if (this.peek() === undefined) this.fail(atEnd);
      if (this.peek() !== COLON) this.fail("expected `:`");
      this.at++;
      this.value("EOF while parsing a value");
      const byte = this.peek();
      if (byte === close) return;
      if (byte === undefined) this.fail(atEnd);
      if (byte !== COMMA) this.fail("expected `,` or `}`");
      this.at++;
      if (this.peek() === close) this.fail("trailing comma");
      if (this.peek() === undefined) this.fail("EOF while parsing a value");
    }
  }

  string() {
    const atEnd = "EOF while parsing a string";
    const start = ++this.at;
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte === undefined) this.fail(atEnd);
      if (byte === QUOTE) break;
      if (byte < 0x20) this.fail("control character (\\u0000-\\u001F) found while parsing a string");
      if (byte === BACKSLASH) this.escape(atEnd);
      else this.at++;
    }
    if (validUpTo(this.bytes.subarray(start, this.at)) < this.at - start) this.fail("invalid unicode code point");
    this.at++;
  }

  escape(atEnd) {
    const byte = this.bytes[++this.at];
    if (byte === undefined) this.fail(atEnd);
    if (byte === code("u")) {
      for (let i = 1; i <= 4; i++) {
        if (this.at + i >= this.bytes.length) this.fail(atEnd, this.bytes.length);
        if (!isHex(this.bytes[this.at + i])) this.fail("invalid escape", this.at + 4);
      }
      this.at += 4;
    } else if (!ESCAPES.has(byte)) {
      this.fail("invalid escape");
    }
    this.at++;
  }

  number() {
    if (this.bytes[this.at] === MINUS) this.at++;
    if (this.bytes[this.at] === code("0")) {
      this.at++;
      if (isDigit(this.bytes[this.at])) this.fail("invalid number");
    } else {
      this.digits();
    }
    if (this.bytes[this.at] === DOT) {
      this.at++;
      this.digits();
    }
    if (this.bytes[this.at] === code("e") || this.bytes[this.at] === code("E")) {
      this.at++;
      if (this.bytes[this.at] === MINUS || this.bytes[this.at] === code("+")) this.at++;
      this.digits();
    }
  }

  digits() {
    if (this.at >= this.bytes.length) this.fail("EOF while parsing a value");
    if (!isDigit(this.bytes[this.at])) this.fail("invalid number");
    while (isDigit(this.bytes[this.at])) this.at++;
  }
}
