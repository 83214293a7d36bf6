/** Checks parsed JSON against the fields that the author expects. */

import { Failure } from "./failure.js";

/** The type of a value, with its article. */
export function typeOf(value) {
  if (value === null || value === undefined) return `${value}`;
  if (Array.isArray(value)) return "an array";
  const type = typeof value;
  return type === "object" ? "an object" : `a ${type}`;
}

/**
 * `shape` names the fields and their types: `string`, `number`, `boolean`,
 * `object`, `array` or `any`; with `?` at the end the field may be absent or
 * null.
 */
export function check(value, shape) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw unexpected(`${typeOf(value)}, expected an object`);
  }
  if (shape !== last.shape) last = { shape, fields: Object.keys(shape), types: Object.values(shape) };
  const { fields, types } = last;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i];
    const type = types[i];
    const found = value[field];
    if (typeof found !== type || type === "object") checkField(found, field, type);
  }
}

/** The shape of the last call: an author has it in a constant. */
let last = { shape: undefined, fields: [], types: [] };

function checkField(found, field, type) {
  const optional = type.endsWith("?");
  const wanted = optional ? type.slice(0, -1) : type;
  if (optional && (found === undefined || found === null)) return;
  if (found === undefined) throw unexpected(`missing field \`${field}\``);
  if (wanted === "any") return;
  const article = /^[aeiou]/.test(wanted) ? "an" : "a";
  const type_ = typeOf(found);
  if (type_ !== `${article} ${wanted}`) {
    throw unexpected(`field \`${field}\` is ${type_}, expected ${article} ${wanted}`);
  }
}

function unexpected(why) {
  return Failure.malformed(`not the expected JSON: ${why}`);
}
