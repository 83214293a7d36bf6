/** `millstream/log` in tests: lines go to standard error. */

import { LEVELS, format } from "../format.js";

const [error, warn, info, debug] = LEVELS.map((level) => (...values) => {
  process.stderr.write(`${level}: ${format(values)}\n`);
});

export { debug, error, info, warn };
