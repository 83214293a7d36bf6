/** `millstream/clock` in the host. */

import { NO_RECORD } from "../record.js";
import { current } from "./call.js";
import { clockAt } from "./memory.js";

export function now() {
  const record = current();
  const time = record === NO_RECORD ? -1 : clockAt(record);
  return time < 0 ? null : time;
}
