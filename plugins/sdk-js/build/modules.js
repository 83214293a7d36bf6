/** Finds the modules that a plugin imports. */

import { existsSync, readFileSync, statSync } from "node:fs";
import * as nodeModule from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";

/** The SDK's own modules have names with this prefix. */
export const SDK = "millstream:";

/** How the entry imports the plugin's own module. */
export const PLUGIN = `${SDK}plugin`;

/** The SDK's modules that a plugin imports. `millstream/testing` is not for plugins. */
const PUBLIC = new Map([
  ["millstream", "src/index.js"],
  ["millstream/log", "src/wasm/log.js"],
  ["millstream/clock", "src/wasm/clock.js"],
]);

const EXTENSIONS = ["", ".js", ".mjs", ".ts", "/index.js", "/index.mjs"];

/** What makes a source an ES module. */
const MODULE = /^\s*(import|export)\b|[;}]\s*(import|export)\b/m;

/** A loader for the project in `folder`, with the SDK in the folder `sdk`. */
export class Modules {
  constructor(folder, sdk, main) {
    this.folder = resolve(folder);
    this.sdk = sdk;
    this.main = main;
    /** Those of the SDK's modules that were imported. */
    this.imported = new Set();
  }

  /** The file of a module's name. */
  fileOf(name) {
    return name.startsWith(SDK) ? join(this.sdk, name.slice(SDK.length)) : join(this.folder, name);
  }

  nameOf(file) {
    const inside = relative(this.folder, file);
    return inside.split(sep).join("/");
  }

  /** The name of the module that `from` imports as `specifier`. */
  resolve(from, specifier) {
    if (specifier === PLUGIN) return this.nameOf(join(this.folder, this.main));
    if (PUBLIC.has(specifier)) {
      this.imported.add(specifier);
      return SDK + PUBLIC.get(specifier);
    }
    if (from.startsWith(SDK) && specifier.startsWith(".")) {
      return SDK + this.sdkName(join(dirname(this.fileOf(from)), specifier));
    }
    if (specifier.startsWith("node:") || nodeModule.isBuiltin(specifier)) {
      throw new Error(`${from} imports \`${specifier}\`, a module of Node.js: a plugin has none of them`);
    }
    const file = specifier.startsWith(".")
      ? found(join(dirname(this.fileOf(from)), specifier))
      : this.packageFile(specifier);
    if (!file) throw new Error(`${from} imports \`${specifier}\`, which does not exist; a package is installed with \`npm install\``);
    return this.nameOf(file);
  }

  sdkName(file) {
    return relative(this.sdk, file).split(sep).join("/");
  }

  /** The file of a package, such as `date-fns` or `@scope/name/part`. */
  packageFile(specifier) {
    const parts = specifier.split("/");
    const name = parts.splice(0, specifier.startsWith("@") ? 2 : 1).join("/");
    const folder = join(this.folder, "node_modules", name);
    if (!existsSync(join(folder, "package.json"))) return undefined;
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const subpath = parts.length === 0 ? "." : `./${parts.join("/")}`;
    const target = about.exports === undefined ? undefined : exported(about.exports, subpath);
    if (target) return found(join(folder, target));
    return found(join(folder, subpath === "." ? about.module ?? about.main ?? "index.js" : subpath));
  }

  /** A module's source. */
  load(name) {
    const file = this.fileOf(name);
    const source = readFileSync(file, "utf8");
    if (file.endsWith(".json")) return `export default ${source};`;
    if (name.startsWith("node_modules/") && !MODULE.test(source)) {
      throw new Error(`${name} is a CommonJS module, and a plugin can import ES modules only: look for a package or version that has them`);
    }
    if (!file.endsWith(".ts")) return source;
    if (!nodeModule.stripTypeScriptTypes) {
      throw new Error(`${name} is TypeScript, which needs Node.js 22.13 or later (this is ${process.version})`);
    }
    return nodeModule.stripTypeScriptTypes(source);
  }
}

/** The target of a package's `exports` for ES modules. */
function exported(exports, subpath) {
  const isMap = typeof exports === "object" && Object.keys(exports).some((key) => key.startsWith("."));
  const entry = isMap ? exports[subpath] : subpath === "." ? exports : undefined;
  return conditional(entry);
}

function conditional(entry) {
  if (typeof entry === "string" || entry == null) return entry ?? undefined;
  for (const [condition, target] of Object.entries(entry)) {
    if (condition !== "import" && condition !== "default") continue;
    const found = conditional(target);
    if (found) return found;
  }
  return undefined;
}

function found(path) {
  return EXTENSIONS.map((extension) => path + extension).find((file) => existsSync(file) && statSync(file).isFile());
}
