/** The transform kind: records in, events out. */

import { notAsync } from "./config.js";
import { Failure, classNumber } from "./failure.js";
import { NO_RECORD, Record } from "./record.js";
import { typeOf } from "./shape.js";

/** The words of an event and of a failure in an answer. */
export const EVENT = { words: 8 };
export const FAILURE = { words: 4 };

/** The contract's numbers of addresses. */
export const ADDRESS = { client: 0, group: 1, task: 2 };

/**
 * What a batch becomes: rows of words that point into the arena.
 *
 * In the engine a call, a property or a private field costs more than the work
 * itself: this file has few of them. `_names` are not for authors.
 */
export class Answer {
  constructor(arena) {
    this.arena = arena;
    this.events = [];
    this.failures = [];
    this.forget();
  }

  /** Forgets the texts that the next event may repeat. */
  forget() {
    this.address = this.kind = "";
    this.addressStart = this.addressLength = this.kindStart = this.kindLength = 0;
  }

  writeAddress(text) {
    this.addressStart = this.arena.at;
    this.arena.text(text);
    this.addressLength = this.arena.at - this.addressStart;
    this.address = text;
  }

  writeKind(text) {
    this.kindStart = this.arena.at;
    this.arena.text(text);
    this.kindLength = this.arena.at - this.kindStart;
    this.kind = text;
  }
}

/** Collects the events of the current record. */
export class Events {
  constructor(answer) {
    this._answer = answer;
    this._record = 0;
  }

  client(id) {
    if (typeof id !== "string") throw notAnAddress("client id", id);
    return new NewEvent(this, ADDRESS.client, id);
  }

  group(name) {
    if (typeof name !== "string") throw notAnAddress("group name", name);
    return new NewEvent(this, ADDRESS.group, name);
  }

  task(id) {
    if (typeof id !== "string") throw notAnAddress("task id", id);
    return new NewEvent(this, ADDRESS.task, id);
  }
}

function notAnAddress(what, name) {
  return Failure.unaddressable(`the ${what} is ${name === undefined ? "absent" : typeOf(name)}, expected a string`);
}

/** An event that still needs its payload. Without one it does not exist. */
class NewEvent {
  constructor(events, addressKind, address) {
    this._events = events;
    this._addressKind = addressKind;
    this._address = address;
  }

  kind(kind) {
    if (typeof kind !== "string") throw new TypeError(`the event's type is ${typeOf(kind)}, expected a string`);
    this._kind = kind;
    return this;
  }

  json(payload) {
    let text;
    try {
      text = JSON.stringify(payload);
    } catch (error) {
      throw Failure.rejected(`the payload can't be written as JSON: ${error.message}`);
    }
    if (text === undefined) throw Failure.rejected(`the payload can't be written as JSON: it is ${typeOf(payload)}`);
    push(this, text, false);
  }

  text(payload) {
    if (typeof payload !== "string") throw new TypeError(`the payload is ${typeOf(payload)}, expected a string`);
    push(this, payload, false);
  }

  bytes(payload) {
    if (!(payload instanceof Uint8Array)) throw new TypeError(`the payload is ${typeOf(payload)}, expected a Uint8Array`);
    push(this, payload, true);
  }
}

/** Most events have no type of their own: the property exists only where there is one. */
NewEvent.prototype._kind = "";

function push(event, payload, isBytes) {
  const events = event._events;
  const answer = events._answer;
  const { arena } = answer;
  if (event._address !== answer.address) answer.writeAddress(event._address);
  if (event._kind !== answer.kind) answer.writeKind(event._kind);
  const start = arena.at;
  if (isBytes) arena.bytes(payload);
  else arena.text(payload);
  answer.events.push(
    events._record, event._addressKind, answer.addressStart, answer.addressLength,
    answer.kindStart, answer.kindLength, start, arena.at - start,
  );
}

/**
 * Runs a plugin over a batch; `values` are those of its keys, if it has any. If
 * the author's code throws anything but a failure, `batch.current` is the
 * record's index.
 */
export function run(plugin, batch, answer, values) {
  const { transform } = plugin;
  const events = new Events(answer);
  const state = values?.state;
  const { arena, events: rows } = answer;
  const { count } = batch;
  for (let index = 0; index < count; index++) {
    batch.current = events._record = index;
    values?.begin(index);
    const { at } = arena;
    const { length } = rows;
    try {
      const result = transform(new Record(batch, index), events, state);
      if (result !== undefined) notAsync("transform", result);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      values?.undo();
      arena.at = at;
      rows.length = length;
      answer.forget();
      fail(answer, index, error);
    }
  }
  batch.current = NO_RECORD;
}

function fail(answer, record, failure) {
  const { arena, failures } = answer;
  const start = arena.at;
  const number = classNumber(failure);
  arena.text(failure.message);
  failures.push(record, number, start, arena.at - start);
}
