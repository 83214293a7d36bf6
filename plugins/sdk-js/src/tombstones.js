/** Records without a value. */

import { ConfigError } from "./config.js";
import { Failure } from "./failure.js";
import { validUpTo } from "./record.js";

const MODES = ["skip", "fail", "event"];

/** How a transform handles tombstones, for the key `tombstones` of its configuration. */
export class Tombstones {
  constructor(mode = "fail") {
    if (!MODES.includes(mode)) {
      throw new ConfigError(`unknown variant \`${mode}\`, expected one of \`skip\`, \`fail\`, \`event\``);
    }
    this.mode = mode;
  }

  of(record, event) {
    if (this.mode === "event") event(idOf(record.key));
    if (this.mode !== "fail") return;
    throw Failure.malformed(
      "the record has no value (a tombstone); to accept tombstones set `tombstones` in " +
        'the plugin\'s configuration to "skip" or "event"',
    );
  }
}

/** The key, if it can be an id. The host would blame the plugin. */
function idOf(key) {
  const fits = key !== null && key.length >= 1 && key.length <= 256 && validUpTo(key) === key.length;
  const text = fits ? new TextDecoder().decode(key) : "";
  if (text !== "" && !/[\u0000-\u001f\u007f-\u009f]/.test(text)) return text;
  throw Failure.unaddressable(
    "the record is a tombstone and its key is not a valid id: expected 1 to 256 bytes of " +
      "text without control characters",
  );
}
