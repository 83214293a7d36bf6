/**
 * The globals of a plugin in the host. A plugin has no clock and no randomness:
 * the same record must give the same events. What the engine would answer
 * throws instead, so that the author sees it.
 */

import { decoded, encoded } from "./memory.js";

const none = (what, instead) => () => {
  throw new Error(`${what} is not available: ${instead}`);
};

const CLOCK = "a plugin has no clock; use record.timestamp";
const noClock = none("the current time", CLOCK);

Math.random = none("Math.random", "a plugin has no randomness, since a record must always give the same events");

const EngineDate = Date;

/** Times that are given work; the current time does not exist. */
function DateWithoutClock(...parts) {
  if (new.target === undefined) noClock();
  return Reflect.construct(EngineDate, parts.length === 0 ? [noClock()] : parts, new.target);
}
DateWithoutClock.prototype = EngineDate.prototype;
DateWithoutClock.prototype.constructor = DateWithoutClock;
Object.assign(DateWithoutClock, { UTC: EngineDate.UTC, parse: EngineDate.parse, now: noClock });
globalThis.Date = DateWithoutClock;
globalThis.performance = { now: noClock };

/** The host discards it; a plugin that imports `millstream/log` has another one. */
const discard = () => {};
globalThis.console = Object.fromEntries(
  ["assert", "debug", "dir", "error", "info", "log", "table", "trace", "warn"].map((name) => [name, discard]),
);

globalThis.TextEncoder = class TextEncoder {
  encoding = "utf-8";

  encode(text = "") {
    return encoded(`${text}`);
  }
};

globalThis.TextDecoder = class TextDecoder {
  encoding = "utf-8";

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`the encoding ${label} is not available in a plugin: only utf-8 is`);
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  decode(bytes = new Uint8Array()) {
    const view = ArrayBuffer.isView(bytes)
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(bytes);
    const { text, valid } = decoded(view);
    if (this.fatal && !valid) throw new TypeError("the bytes are not UTF-8");
    return !this.ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
  }
};
