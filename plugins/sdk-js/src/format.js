/** Makes a line for the log of some values, as a small `console` does. */

/** By the contract's numbers. */
export const LEVELS = ["error", "warn", "info", "debug"];

const decoder = new TextDecoder();

/** Texts and bytes as they are, and other values as JSON. */
export function format(values) {
  return values.map(shown).join(" ");
}

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return decoder.decode(value);
  if (value instanceof Error) return String(value);
  try {
    return JSON.stringify(value, readable) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** What JSON can't express, and the SDK's objects: behind them is the whole batch. */
function readable(key, value) {
  if (value instanceof Uint8Array) return decoder.decode(value);
  if (typeof value === "bigint") return `${value}`;
  return value?._batch === undefined ? value : properties(value);
}

function properties(object) {
  const all = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(object)));
  return Object.fromEntries(all.filter(([, { get }]) => get).map(([name, { get }]) => [name, get.call(object)]));
}
