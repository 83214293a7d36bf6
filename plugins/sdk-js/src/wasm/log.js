/** `millstream/log` in the host. The plugin's `console` writes there too. */

import { LEVELS, format } from "../format.js";
import { current } from "./call.js";
import { logLine } from "./memory.js";

const [error, warn, info, debug] = LEVELS.map((_, level) => (...values) => logLine(current(), level, format(values)));

export { debug, error, info, warn };

const assert = (condition, ...values) => {
  if (!condition) error("Assertion failed", ...values);
};
Object.assign(console, { assert, debug, dir: info, error, info, log: info, table: info, trace: debug, warn });
