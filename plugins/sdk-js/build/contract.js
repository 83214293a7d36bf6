/** The contract's functions, as the core module imports and exports them. */

import { I32, I64 } from "./module.js";

const PREFIX = "millstream:plugin/";
const VERSION = "@0.1.0";

/**
 * The imports. `asked` is the SDK's module that an author imports to ask for
 * one; the others are always there. The host grants what is asked for, or the
 * plugin does not go live.
 */
export const IMPORTS = {
  panicked: { module: `${PREFIX}diagnostics${VERSION}`, name: "panicked", parameters: [I32, I32, I32], results: [] },
  log: {
    asked: "millstream/log",
    module: `${PREFIX}log${VERSION}`, name: "write", parameters: [I32, I32, I32, I32], results: [],
  },
  clock: {
    asked: "millstream/clock",
    module: `${PREFIX}clock${VERSION}`, name: "at", parameters: [I32], results: [I64],
  },
};

/** The functions of each interface, and how many i32 parameters they have. */
const EXPORTS = {
  transform: { configure: 2, run: 9 },
  // `run` has 19, and more than 16 are passed as a pointer to them.
  "stateful-transform": { configure: 2, keys: 9, run: 1 },
  route: { configure: 2, run: 11 },
  "dead-letter": { configure: 2, run: 11 },
};

/** The functions of an interface: their names for the component and the SDK, and their parameters. */
export function exportsOf(name) {
  return Object.entries(EXPORTS[name]).map(([own, parameters]) => ({
    name: `${PREFIX}${name}${VERSION}#${own}`, own, parameters,
  }));
}
