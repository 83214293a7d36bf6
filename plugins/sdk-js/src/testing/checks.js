/** What the host checks in answers, with its messages. */

import { validUpTo } from "../record.js";
import { Failure } from "../failure.js";

const LIMITS = { events: 1000, output: 16 << 20, name: 256, headers: 100, topic: 249, event: 256, header: 64, keys: 100, key: 256, value: 64 << 10 };
const WHAT = ["client id", "group name", "task id"];
const OWN = "millstream.";
const ALLOWED = ["millstream.client", "millstream.group", "millstream.type"];

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

const bad = (message) => new Failure("bad-output", message);
const large = (message) => new Failure("too-large", message);

/** Why the host refuses a record's events, or undefined. */
export function checkEvents(events, arena) {
  if (events.length > LIMITS.events) {
    return large(`the plugin made ${events.length} events from one record, at most ${LIMITS.events} are allowed`);
  }
  const size = events.reduce((sum, row) => sum + LIMITS.event + row[3] + row[5] + row[7], 0);
  return tooLarge(size) ?? first(events, (row) => checkEvent(row, arena));
}

function tooLarge(size) {
  if (size <= LIMITS.output) return undefined;
  return large(`the plugin made ${size} bytes of events or headers from one record, at most ${LIMITS.output} are allowed (output)`);
}

function first(list, check) {
  for (const item of list) {
    const failure = check(item);
    if (failure) return failure;
  }
  return undefined;
}

function checkEvent([, addressKind, address, addressLength, kind, kindLength, payload, payloadLength], arena) {
  return checkName(WHAT[addressKind], arena.bytes(address, addressLength))
    ?? checkKind(arena.bytes(kind, kindLength))
    ?? checkPayload(arena.bytes(payload, payloadLength));
}

function checkName(what, bytes) {
  if (bytes.length === 0) return bad(`the ${what} is empty`);
  if (bytes.length > LIMITS.name) return bad(`the ${what} has ${bytes.length} bytes; the limit is ${LIMITS.name}`);
  if (validUpTo(bytes) < bytes.length) return bad(`the ${what} is not UTF-8`);
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const at = text.search(CONTROL);
  return at < 0 ? undefined : bad(`the ${what} contains a control character at byte ${Buffer.byteLength(text.slice(0, at))}`);
}

function checkKind(bytes) {
  if (bytes.length > LIMITS.name) return bad(`the event type has ${bytes.length} bytes; the limit is ${LIMITS.name}`);
  if (validUpTo(bytes) < bytes.length) return bad("the event type is not UTF-8");
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  if (CONTROL.test(text)) return bad("the event type contains a control character");
  if (!["gap", "open", "error"].includes(text) && !text.startsWith(OWN)) return undefined;
  return bad(`the event type \`${text}\` is reserved (as are gap, open, error and millstream.*)`);
}

function checkPayload(bytes) {
  const valid = validUpTo(bytes);
  return valid === bytes.length ? undefined : bad(`the payload is not UTF-8 at byte ${valid}`);
}

/** Why the host refuses a record's keys, or undefined. */
export function checkKeys(keys) {
  if (keys.length > LIMITS.keys) return bad(`a record names more than ${LIMITS.keys} keys`);
  return first(keys, ({ length }) => {
    if (length === 0) return bad("a key is empty");
    return length > LIMITS.key ? bad(`a key has ${length} bytes; the limit is ${LIMITS.key}`) : undefined;
  });
}

/** Why the host refuses the values that a record wrote, or undefined. */
export function checkValues(values) {
  const long = values.find((value) => value?.length > LIMITS.value);
  return long && bad(`the plugin wrote a value of ${long.length} bytes; the limit is ${LIMITS.value}`);
}

/** Why the host refuses a topic and headers, or undefined. `bytes` is the size of key and value. */
export function checkOutput(topic, headers, bytes = 0) {
  if (topic !== null && !isTopic(topic)) return bad(`invalid topic name \`${topic.slice(0, 80)}\``);
  if (headers.length > LIMITS.headers) return bad(`it added ${headers.length} headers, at most ${LIMITS.headers} are allowed`);
  const size = headers.reduce(
    (sum, { name, value }) => sum + LIMITS.header + Buffer.byteLength(name) + (value?.length ?? 0),
    LIMITS.event + (topic?.length ?? 0) + bytes,
  );
  return first(headers, checkHeader) ?? tooLarge(size);
}

function isTopic(topic) {
  return topic.length <= LIMITS.topic && topic !== "." && topic !== ".." && /^[a-zA-Z0-9._-]+$/.test(topic);
}

function checkHeader({ name }) {
  if (name === "" || name.includes("\0")) return bad("a header name is empty or contains a NUL");
  if (!name.startsWith(OWN) || ALLOWED.includes(name)) return undefined;
  return bad(`header \`${name.slice(0, 80)}\` is reserved: Millstream sets ${OWN}* itself`);
}
