/** The route kind: where each event goes. */

import { notAsync } from "./config.js";
import { Failure } from "./failure.js";
import { parse } from "./json.js";
import { ABSENT, NO_RECORD, Record } from "./record.js";
import { check, typeOf } from "./shape.js";

/** The words of an event to route, and where each field begins. */
export const ROUTED = { words: 9, record: 0, connected: 1, addressKind: 2, address: 3, kind: 5, payload: 7 };

const DELIVER = ["no", "as-configured", "always", "while-connected"];

const NEEDS = ["connected", "payload", "record"];

/** What the plugin asks for, as the contract's flags. */
export function needsOf({ needs = {} }) {
  const asked = typeof needs === "function" ? needs() : needs;
  const unknown = Object.keys(asked).find((key) => !NEEDS.includes(key));
  if (unknown !== undefined) throw new TypeError(`\`needs\` has the unknown key \`${unknown}\`: use ${NEEDS.join(", ")}`);
  return NEEDS.reduce((flags, key, bit) => flags | (asked[key] ? 1 << bit : 0), 0);
}

/** An event to route. */
export class RoutedEvent {
  constructor(batch, at) {
    this._batch = batch;
    this._at = at;
  }

  get address() {
    const kind = this._batch.words[this._at + ROUTED.addressKind] === 1 ? "group" : "client";
    return { kind, name: this._batch.textAt(this._at + ROUTED.address) };
  }

  get client() {
    const { kind, name } = this.address;
    return kind === "client" ? name : null;
  }

  get group() {
    const { kind, name } = this.address;
    return kind === "group" ? name : null;
  }

  get kind() {
    return this._batch.textAt(this._at + ROUTED.kind);
  }

  get connected() {
    return this._batch.words[this._at + ROUTED.connected] !== 0;
  }

  get payload() {
    return this._batch.bytesAt(this._at + ROUTED.payload) ?? new Uint8Array();
  }

  get record() {
    return new Record(this._batch, this._batch.words[this._at + ROUTED.record]);
  }

  text() {
    return this._batch.textAt(this._at + ROUTED.payload);
  }

  json(shape) {
    const { words, memory } = this._batch;
    const start = words[this._at + ROUTED.payload];
    if (start === ABSENT) throw new TypeError("the payload is absent: export `needs = { payload: true }`");
    const value = parse(memory, start, words[this._at + ROUTED.payload + 1]);
    if (shape !== undefined) check(value, shape);
    return value;
  }
}

/** Routes the events of a batch; they begin at the word `events`. */
export function run(plugin, batch, events, count, answer) {
  const { route } = plugin;
  for (let index = 0; index < count; index++) {
    const at = events + index * ROUTED.words;
    batch.current = batch.words[at + ROUTED.record];
    answer.decisions.push(...decided(route, new RoutedEvent(batch, at), answer));
  }
  batch.current = NO_RECORD;
}

function decided(route, event, answer) {
  const { headers, arena } = answer;
  const before = { headers: headers.length, at: arena.at };
  try {
    return written(notAsync("route", route(event)) ?? {}, answer);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    headers.length = before.headers;
    arena.at = before.at;
    return [0, ABSENT, 0, ABSENT, 0, headers.length / 4, 0, ...answer.span(error.message)];
  }
}

function written(destination, answer) {
  if (typeOf(destination) !== "an object") throw new TypeError(`route returned ${typeOf(destination)}, expected a destination`);
  const { deliver = "as-configured", topic = null, key = null, headers = [] } = destination;
  const stream = DELIVER.indexOf(deliver);
  if (stream < 0) throw new TypeError(`\`deliver\` is \`${deliver}\`: use ${DELIVER.join(", ")}`);
  if (topic === null) return [stream, ABSENT, 0, ABSENT, 0, answer.headers.length / 4, 0, ABSENT, 0];
  return [
    stream, ...answer.span(topic, "the topic"), ...answer.span(key, "the key"), ...answer.addHeaders(headers), ABSENT, 0,
  ];
}
