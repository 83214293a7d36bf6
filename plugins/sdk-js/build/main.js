/**
 * Makes a plugin's core module: `node main.js KIND FOLDER OUTPUT`.
 *
 * KIND is transform, route or dead-letter, FOLDER the project. The plugin is the
 * file that `main` in its package.json names.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportsOf } from "./contract.js";
import { coreModule } from "./core.js";
import { Engine, HEAP, HOST, engineFile } from "./engine.js";
import { MAILBOX } from "./glue.js";
import { Modules, PLUGIN, SDK } from "./modules.js";

/** The length of the view of the whole memory. */
const HEAP_LENGTH = 0x7fff0000;

export function build(kind, folder) {
  const main = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).main;
  if (!main) throw new Error("package.json does not name the plugin's file: add \"main\": \"src/plugin.js\"");
  const wasm = engineFile(folder);
  const modules = new Modules(folder, dirname(dirname(fileURLToPath(import.meta.url))), main);
  const engine = new Engine(wasm, modules);
  const mailbox = engine.malloc(MAILBOX);
  new Uint8Array(engine.memory.buffer, mailbox, MAILBOX).fill(0);
  engine.setGlobal("__heap", engine.newArrayBuffer(engine.context, HEAP, HEAP_LENGTH));
  engine.setGlobal("__mailbox", engine.newFloat(engine.context, (mailbox - HEAP) / 4));
  for (const [name, id] of Object.entries(HOST)) engine.setGlobal(`__${name}`, engine.hostFunction(id));
  engine.evaluateModule(entrySource(kind), `${SDK}entry.js`);
  // The SDK has left its handlers there, and the interface that the plugin has.
  const exported = exportsOf(engine.getText("__interface"));
  const handled = exported.map((one) => ({ ...one, handler: engine.getGlobal(`__${one.own}`) }));
  return coreModule(wasm, engine, mailbox, handled, modules.imported);
}

/** The globals come first: the plugin's modules must not see the engine's. */
function entrySource(kind) {
  return `import "./src/wasm/globals.js";
import { serve } from "./src/wasm/${kind}.js";
import * as plugin from "${PLUGIN}";
await serve(plugin);
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kind, folder, output] = process.argv.slice(2);
  try {
    const core = build(kind, folder);
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, core);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
