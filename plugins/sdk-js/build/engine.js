/**
 * The JavaScript engine: QuickJS-ng as a WebAssembly module, from a package of
 * the registry. The build runs it here once, so that the plugin's modules are
 * already loaded in every instance.
 *
 * The package's names are shortened by its compiler; the tables below are those
 * of VERSION.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const PACKAGE = "@jitl/quickjs-ng-wasmfile-release-sync";
export const VERSION = "0.32.0";

/** The engine's exports that are used. */
export const EXPORT = {
  start: "v", malloc: "w", free: "N",
  newRuntime: "L", setMaxStackSize: "E", enableModuleLoader: "Ia", newContext: "O",
  getUndefined: "F", getGlobalObject: "va", getProp: "ia", setProp: "ka",
  newString: "$", getString: "aa", freeCString: "T", newArrayBuffer: "Y", newFloat: "Z", newFunction: "Ea",
  freeValue: "Q", call: "na", evaluate: "qa", resolveException: "oa",
  isJobPending: "ga", executePendingJob: "ha", promiseState: "xa", promiseResult: "ya",
};

/** The engine's imports, all of the module `a`. The memory has the name `a` too. */
export const IMPORT = {
  assertFail: "b", fdWrite: "c", fdClose: "d", environGet: "e", environSizesGet: "f",
  normalizeModule: "g", loadModule: "h", shouldInterrupt: "i", setTimer: "j", resizeHeap: "k",
  keepaliveClear: "l", localtime: "m", tzset: "n", fdSeek: "o", dateNow: "p", clockTimeGet: "q",
  abort: "r", exit: "s", hostCall: "t", freeHostRef: "u",
};

/** The numbers of the functions that the SDK calls. */
export const HOST = { text: 1, put: 2, allocate: 3, free: 4, log: 5, clock: 6 };

/** Where the view of the whole memory begins, which the SDK gets. */
export const HEAP = 1024;

/** Recursion ends with a RangeError, before the host's stack does. */
const STACK = 64 << 10;

const PAGE = 65536;

/** The engine's file in the project `folder`. */
export function engineFile(folder) {
  const package_ = join(folder, "node_modules", PACKAGE);
  if (!existsSync(package_)) throw new Error(`${PACKAGE} is not installed: run \`npm install\``);
  const { version } = JSON.parse(readFileSync(join(package_, "package.json"), "utf8"));
  if (version !== VERSION) {
    throw new Error(`${PACKAGE} ${version} is installed, but this SDK needs ${VERSION}: set it in package.json and run \`npm install\``);
  }
  return readFileSync(join(package_, "dist", "emscripten-module.wasm"));
}

/** A running engine with one context. */
export class Engine {
  /**
   * `loader.resolve(from, specifier)` returns a module's name,
   * `loader.load(name)` its source. Both may throw.
   */
  constructor(wasm, loader) {
    this.memory = new WebAssembly.Memory({ initial: 16777216 / PAGE, maximum: 32768 });
    this.loader = loader;
    this.problem = undefined;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), { a: this.imports() });
    for (const [name, letter] of Object.entries(EXPORT)) this[name] = exports[letter];
    this.start();
    this.runtime = this.newRuntime();
    this.setMaxStackSize(this.runtime, STACK);
    this.context = this.newContext(this.runtime, 0);
    this.enableModuleLoader(this.runtime, 1);
  }

  imports() {
    const ended = (why) => () => {
      throw new Error(`the JavaScript engine ended: ${why}`);
    };
    const named = {
      assertFail: ended("an assertion failed"), abort: ended("abort"), exit: ended("exit"),
      fdWrite: () => 8, fdClose: () => 8, fdSeek: () => 8,
      environGet: () => 0,
      environSizesGet: (count, size) => {
        this.view().setUint32(count, 0, true);
        this.view().setUint32(size, 0, true);
        return 0;
      },
      normalizeModule: (_runtime, _context, from, specifier) =>
        this.tried(() => this.loader.resolve(this.text(from), this.text(specifier))),
      loadModule: (_runtime, _context, module) => this.tried(() => this.loader.load(this.text(module))),
      shouldInterrupt: () => 0, setTimer: () => 0, keepaliveClear: () => {},
      resizeHeap: (size) => {
        this.memory.grow(Math.ceil((size - this.memory.buffer.byteLength) / PAGE));
        return 1;
      },
      // No time zone, no clock: the same source makes the same plugin.
      localtime: (_time, parts) => new Uint8Array(this.memory.buffer, parts, 44).fill(0),
      tzset: (zone, daylight, name, summer) => {
        for (const at of [zone, daylight]) this.view().setUint32(at, 0, true);
        for (const at of [name, summer]) this.view().setUint32(at, 0x435455, true);
      },
      dateNow: () => 0,
      clockTimeGet: (_clock, _precision, time) => {
        this.view().setBigInt64(time, 0n, true);
        return 0;
      },
      hostCall: (_context, _this, _count, values, number) => this.hostCall(number, values),
      freeHostRef: () => {},
    };
    const letters = Object.entries(IMPORT).map(([name, letter]) => [letter, named[name]]);
    return { ...Object.fromEntries(letters), a: this.memory };
  }

  /** The functions of the core module for the SDK, while the plugin's modules are loaded. */
  hostCall(number, values) {
    const integer = (n) => this.view().getInt32(values + 8 * n, true);
    const memory = () => new Uint8Array(this.memory.buffer);
    switch (number) {
      case HOST.text:
        return this.newString(this.context, this.newText(Buffer.from(memory().subarray(integer(0), integer(0) + integer(1)))));
      case HOST.put: {
        const text = this.getString(this.context, values);
        const length = memory().indexOf(0, text) - text;
        memory().copyWithin(integer(1), text, text + length);
        return this.newFloat(this.context, length);
      }
      case HOST.allocate:
        return this.newFloat(this.context, this.malloc(integer(0)));
      case HOST.free:
        this.free(integer(0));
        return 0;
      case HOST.log:
        // What a module logs while it is loaded.
        process.stderr.write(`${Buffer.from(memory().subarray(integer(2), integer(2) + integer(3)))}\n`);
        return 0;
      default:
        throw new Error(`the SDK called the unknown function ${number}`);
    }
  }

  /** Runs part of the loader: its text, or null and the problem is kept. */
  tried(part) {
    try {
      return this.newText(part());
    } catch (error) {
      this.problem ??= error;
      return 0;
    }
  }

  view() {
    return new DataView(this.memory.buffer);
  }

  /** A text of the engine. */
  text(at) {
    const bytes = new Uint8Array(this.memory.buffer);
    return Buffer.from(bytes.subarray(at, bytes.indexOf(0, at))).toString();
  }

  /** A new text in the engine's memory. */
  newText(text) {
    const bytes = Buffer.concat([Buffer.from(text), Buffer.of(0)]);
    const at = this.malloc(bytes.length);
    new Uint8Array(this.memory.buffer).set(bytes, at);
    return at;
  }

  /** Sets a global; `value` is a pointer to a value. */
  setGlobal(name, value) {
    const key = this.newString(this.context, this.newText(name));
    this.setProp(this.context, this.getGlobalObject(this.context), key, value);
  }

  /** A pointer to the value of a global. */
  getGlobal(name) {
    const key = this.newString(this.context, this.newText(name));
    return this.getProp(this.context, this.getGlobalObject(this.context), key);
  }

  /** The text of a global. */
  getText(name) {
    return this.text(this.getString(this.context, this.getGlobal(name)));
  }

  /** A new function that calls the host with `id`. */
  hostFunction(id) {
    return this.newFunction(this.context, this.newText(""), 0, 0, id);
  }

  /** Evaluates a module and what it imports. */
  evaluateModule(source, name) {
    const code = this.newText(source);
    const result = this.evaluate(this.context, code, Buffer.byteLength(source), this.newText(name), 0, 1);
    this.check(result);
    const failed = this.malloc(4);
    while (this.isJobPending(this.runtime)) this.check(this.executePendingJob(this.runtime, -1, failed));
    const state = this.promiseState(this.context, result);
    if (state === 2) throw this.errorOf(this.promiseResult(this.context, result));
    if (state === 0) throw new Error("a module awaits something that never ends");
  }

  check(result) {
    const exception = this.resolveException(this.context, result);
    if (exception !== 0) throw this.problem ?? this.errorOf(exception);
  }

  /** An exception of the engine as an error whose message names the place. */
  errorOf(exception) {
    if (this.problem) return this.problem;
    const stack = this.getProp(this.context, exception, this.newString(this.context, this.newText("stack")));
    const lines = [exception, stack].map((value) => this.text(this.getString(this.context, value)));
    return new Error(lines.join("\n").trimEnd());
  }
}
