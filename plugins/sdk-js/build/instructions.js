/** WebAssembly instructions, encoded. */

import { I32, s32, u32, vector } from "./module.js";

const EMPTY = 0x40;

/** A few instructions by their names. */
export const at = {
  unreachable: [0x00],
  end: [0x0b],
  return: [0x0f],
  drop: [0x1a],
  const: (value) => [0x41, ...s32(value)],
  long: (value) => [0x42, ...s32(value)],
  get: (local) => [0x20, ...u32(local)],
  set: (local) => [0x21, ...u32(local)],
  tee: (local) => [0x22, ...u32(local)],
  call: (f) => [0x10, ...u32(f)],
  if: [0x04, EMPTY],
  block: [0x02, EMPTY],
  loop: [0x03, EMPTY],
  branch: (depth) => [0x0c, ...u32(depth)],
  branchIf: (depth) => [0x0d, ...u32(depth)],
  load: (offset = 0) => [0x28, 0, ...u32(offset)],
  load8: (offset = 0) => [0x2d, 0, ...u32(offset)],
  store: (offset = 0) => [0x36, 2, ...u32(offset)],
  store64: (offset = 0) => [0x37, 3, ...u32(offset)],
  store8: (offset = 0) => [0x3a, 0, ...u32(offset)],
  isZero: [0x45],
  equal: [0x46],
  notEqual: [0x47],
  above: [0x4b],
  notBelow: [0x4f],
  add: [0x6a],
  subtract: [0x6b],
  multiply: [0x6c],
  and: [0x71],
  or: [0x72],
  shiftRight: [0x76],
  extend: [0xad],
  memorySize: [0x3f, 0],
  memoryGrow: [0x40, 0],
  copy: [0xfc, 10, 0, 0],
  fill: [0xfc, 11, 0],
};

/** A body with `locals` of the type i32. */
export function body(locals, ...instructions) {
  const declared = locals === 0 ? [] : [[...u32(locals), I32]];
  return [...vector(declared), ...instructions.flat(Infinity), ...at.end];
}
