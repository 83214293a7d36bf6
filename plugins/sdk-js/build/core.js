/**
 * Makes the plugin's core module: the engine, its memory with the plugin's
 * modules loaded, and functions that connect the engine to the contract.
 */

import { IMPORTS } from "./contract.js";
import { EXPORT } from "./engine.js";
import { allocation, entry, stub } from "./glue.js";
import { at } from "./instructions.js";
import { I32, Reader, SECTION, module, name, renumbered, sections, u32, vector } from "./module.js";

const PAGE = 65536;

/**
 * The core module. `exported` lists the functions that the component exports:
 * the `name`, how many i32 `parameters` it has, and the pointer to the SDK's
 * `handler`. `mailbox` is the address of the mailbox; `asked` has the SDK's
 * modules that the author's modules import.
 */
export function coreModule(wasm, engine, mailbox, exported, asked) {
  const engineModule = readEngine(wasm);
  const imports = Object.entries(IMPORTS).filter(([, one]) => one.asked === undefined || asked.has(one.asked));
  const functions = new Functions(engineModule, imports.map(([name]) => name));
  const { index } = functions;
  for (const { letter, type } of engineModule.imports) functions.add(type, stub(letter, index, engine, mailbox));
  for (const { type, body } of engineModule.functions) functions.add(type, renumbered(body, (f) => f + imports.length));
  const parameters = (count) => Array(count).fill(I32);
  const exports = [["memory", 2, 0], ["cabi_realloc", 0, functions.add(signature(parameters(4), [I32]), allocation(index))]];
  for (const { name, parameters: count, handler } of exported) {
    const body = entry(count, handler, index, engine, mailbox);
    exports.push([name, 0, functions.add(signature(parameters(count), [I32]), body)]);
  }
  const imported = imports.map(([, { module, name: function_, parameters, results }]) =>
    [...name(module), ...name(function_), 0, ...u32(functions.typeOf(signature(parameters, results)))]);
  return module([
    [SECTION.type, vector(engineModule.types)],
    [SECTION.import, vector(imported)],
    [SECTION.function, vector(functions.types)],
    [SECTION.table, engineModule.table],
    [SECTION.memory, [1, 0, ...u32(engine.memory.buffer.byteLength / PAGE)]],
    [SECTION.global, engineModule.global],
    [SECTION.export, vector(exports.map(([text, kind, i]) => [...name(text), kind, ...u32(i)]))],
    [SECTION.element, elements(engineModule.element, imports.length)],
    [SECTION.code, Buffer.concat([Buffer.from(u32(functions.types.length)), ...functions.bodies])],
    [SECTION.data, data(new Uint8Array(engine.memory.buffer))],
  ]);
}

/** What the build needs of the engine's module. */
function readEngine(wasm) {
  const parts = sections(wasm);
  const reader = (id) => new Reader(parts.get(id));
  const types = readTypes(reader(SECTION.type));
  const imports = readImports(reader(SECTION.import));
  const numbers = reader(SECTION.function);
  const own = numbers.vector(() => numbers.u32());
  const code = reader(SECTION.code);
  const bodies = code.vector(() => code.take(code.u32()));
  const exports = reader(SECTION.export);
  const named = exports.vector(() => [exports.name(), exports.byte(), exports.u32()]);
  return {
    types,
    imports,
    functions: own.map((type, i) => ({ type, body: bodies[i] })),
    exports: new Map(named.map(([name, , index]) => [name, index])),
    table: parts.get(SECTION.table),
    global: parts.get(SECTION.global),
    element: parts.get(SECTION.element),
  };
}

function readTypes(reader) {
  return reader.vector(() => {
    const start = reader.at;
    reader.byte();
    reader.take(reader.u32());
    reader.take(reader.u32());
    return [...reader.bytes.subarray(start, reader.at)];
  });
}

function readImports(reader) {
  const all = reader.vector(() => {
    reader.name();
    const letter = reader.name();
    if (reader.byte() === 0) return { letter, type: reader.u32() };
    const limits = reader.byte();
    reader.skip();
    if (limits & 1) reader.skip();
    return undefined;
  });
  return all.filter(Boolean);
}

/** A function type. */
function signature(parameters, results) {
  return [0x60, ...[parameters, results].flatMap((types) => vector(types.map((type) => [type])))];
}

/** The functions of the module to make. The first ones are the imports, which have these names. */
class Functions {
  constructor(engineModule, imports) {
    this.module = engineModule;
    this.imports = imports.length;
    this.types = [];
    this.bodies = [];
    /** The index of an import, and the new index of an export of the engine. */
    this.index = Object.fromEntries([
      ...imports.map((name, index) => [name, index]),
      ...Object.entries(EXPORT).map(([name, letter]) => [name, engineModule.exports.get(letter) + imports.length]),
    ]);
  }

  /** Adds a function and returns its index. `type` is a signature or its index. */
  add(type, body) {
    this.types.push(u32(typeof type === "number" ? type : this.typeOf(type)));
    this.bodies.push(Buffer.from(u32(body.length)), Buffer.from(body));
    return this.imports + this.types.length - 1;
  }

  typeOf(type) {
    const { types } = this.module;
    const known = types.findIndex((other) => String(other) === String(type));
    return known >= 0 ? known : types.push(type) - 1;
  }
}

/** The engine's table of functions, renumbered: `imports` come before them. */
function elements(section, imports) {
  const reader = new Reader(section);
  return vector(reader.vector(() => {
    if (reader.u32() !== 0) throw new Error("the engine's table has an unknown form");
    const start = reader.at;
    while (reader.byte() !== at.end[0]);
    const offset = [...section.subarray(start, reader.at)];
    return [0, ...offset, ...vector(reader.vector(() => u32(reader.u32() + imports)))];
  }));
}

/** The memory's content; runs of zeros are left out. */
function data(memory) {
  const segments = [];
  const words = new BigUint64Array(memory.buffer);
  for (let i = 0; i < words.length; i++) {
    if (words[i] === 0n) continue;
    const start = i;
    let end = i + 1;
    for (let gap = 0; gap < 8 && i < words.length; i++) {
      if (words[i] === 0n) gap++;
      else [gap, end] = [0, i + 1];
    }
    const bytes = memory.subarray(8 * start, 8 * end);
    segments.push(Buffer.from([0, ...at.const(8 * start), ...at.end, ...u32(bytes.length)]), Buffer.from(bytes));
  }
  return Buffer.concat([Buffer.from(u32(segments.length / 2)), ...segments]);
}
