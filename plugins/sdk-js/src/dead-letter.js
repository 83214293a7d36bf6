/** The dead-letter kind: decides what happens to failed records. */

import { notAsync } from "./config.js";
import { ABSENT, NO_RECORD, Record } from "./record.js";
import { typeOf } from "./shape.js";

/** The words of a failure, and where each field begins. */
export const FAILED = { words: 12, record: 0, attempts: 1, stage: 2, class: 4, message: 6, plugin: 8, digest: 10 };

const ACTIONS = ["to-topic", "retry", "drop", "halt", "reroute"];

/** A record that failed, and why. */
export class FailedRecord {
  constructor(batch, at) {
    this._batch = batch;
    this._at = at;
  }

  get record() {
    return new Record(this._batch, this._batch.words[this._at + FAILED.record]);
  }

  get attempts() {
    return this._batch.words[this._at + FAILED.attempts] >>> 0;
  }

  get stage() {
    return this._batch.textAt(this._at + FAILED.stage);
  }

  get class() {
    return this._batch.textAt(this._at + FAILED.class);
  }

  get message() {
    return this._batch.textAt(this._at + FAILED.message);
  }

  get plugin() {
    return this._batch.textAt(this._at + FAILED.plugin);
  }

  get digest() {
    return this._batch.textAt(this._at + FAILED.digest);
  }
}

/** Decides on the failures of a batch; they begin at the word `failures`. */
export function run(plugin, batch, failures, count, answer) {
  const { decide } = plugin;
  for (let index = 0; index < count; index++) {
    const at = failures + index * FAILED.words;
    batch.current = batch.words[at + FAILED.record];
    answer.decisions.push(...written(notAsync("decide", decide(new FailedRecord(batch, at))), answer));
  }
  batch.current = NO_RECORD;
}

function written(decision, answer) {
  const action = ACTIONS.indexOf(decision?.action);
  if (action < 0) throw new TypeError(`decide returned ${typeOf(decision ?? null)}, expected a Decision such as Decision.drop()`);
  const { topic = null, value, headers, delayMs = 0 } = decision;
  if (decision.action === "reroute" && topic === null) throw new TypeError("Decision.reroute needs a topic");
  return [
    action, Math.min(Math.max(0, Math.trunc(delayMs)), 0xffff_ffff) | 0,
    ...answer.span(topic, "the topic"),
    // Without a value the letter has the record's; null is a tombstone.
    ...(value === undefined ? [0, ABSENT, 0] : [1, ...answer.span(value, "the value")]),
    ...answer.addHeaders(headers),
  ];
}
