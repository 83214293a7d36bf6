/** The class of a failure, by which the dead-letter policy decides. */
export type FailureClass = "rejected" | "malformed" | "unaddressable" | "transient";

/** Why a record can't become events: throw it. The host keeps the first 1,024 bytes of the message. */
export class Failure extends Error {
  /** In tests also the host's classes, such as `bad-output`. */
  readonly class: string;
  constructor(failureClass: FailureClass, message: string);
  /** A record that was understood and is not acceptable. */
  static rejected(message: string): Failure;
  /** A record that could not be read. */
  static malformed(message: string): Failure;
  /** A record for which no client or group can be named. */
  static unaddressable(message: string): Failure;
  /** A record that may succeed if it is retried. */
  static transient(message: string): Failure;
}

/** A route's refusal: throw it, and the event's whole record fails as `unroutable`. */
export function refuse(message: string): Failure;

/** The type of a field; with `?` it may be absent or null. */
export type FieldType = "string" | "number" | "boolean" | "object" | "array" | "any" |
  "string?" | "number?" | "boolean?" | "object?" | "array?" | "any?";

/** The fields that a JSON object must have. Keep it in a constant: that is faster. */
export type Shape = Readonly<Record<string, FieldType>>;

interface FieldTypes {
  string: string;
  number: number;
  boolean: boolean;
  object: Record<string, unknown>;
  array: unknown[];
  any: unknown;
}

type Field<T> = T extends `${infer U extends keyof FieldTypes}?`
  ? FieldTypes[U] | null | undefined
  : T extends keyof FieldTypes ? FieldTypes[T] : unknown;

/** The object that a shape describes. Write the shape with `as const`. */
export type Shaped<S extends Shape> = { [K in keyof S]: Field<S[K]> };

/** A header of a Kafka record. Names may repeat. */
export interface Header {
  readonly name: string;
  readonly value: Uint8Array | null;
}

/** A Kafka record. Its bytes are views of the batch: copy what is kept. */
export interface KafkaRecord {
  /** The topic that it was read from. */
  readonly topic: string;
  /** The partition that it was read from. */
  readonly partition: number;
  /** Its offset in that partition. */
  readonly offset: number;
  /** Milliseconds since 1970-01-01 UTC; null if Kafka has none. It may be less than the record's before: see `millstream/clock`. */
  readonly timestamp: number | null;
  /** The key, or null if it is absent. */
  readonly key: Uint8Array | null;
  /** The value, or null for a tombstone. Absent is not empty. */
  readonly value: Uint8Array | null;
  /** The headers in order. */
  readonly headers: Header[];
  /** The value of the last header with this name; null if there is none or its value is absent. */
  header(name: string): Uint8Array | null;
  /** The value as text. Throws `malformed` if it is not UTF-8, and for a tombstone. */
  text(): string;
  /** The value as JSON. Throws `malformed` with the reason and the byte, and for a tombstone. */
  json(): any;
  /** The value as a JSON object with these fields. Throws `malformed` if it has another shape. */
  json<const S extends Shape>(shape: S): Shaped<S>;
}

/** Collects the events of the current record. */
export interface Events {
  /** Starts an event for one client: 1 to 256 bytes, no control characters. */
  client(id: string): NewEvent;
  /** Starts an event for a group, which every client that follows it receives. */
  group(name: string): NewEvent;
  /** Starts an event for the client that owns a task. Without an owner the record fails as `unaddressable`. */
  task(id: string): NewEvent;
}

/** An event that still needs its payload. Without one it does not exist. */
export interface NewEvent {
  /** Sets the event's type, which the browser listens for. Without one it receives `message`. */
  kind(kind: string): this;
  /** Finishes the event with `payload` as JSON. Throws `rejected` if it can't be written as JSON. */
  json(payload: unknown): void;
  /** Finishes the event with a text payload. */
  text(payload: string): void;
  /** Finishes the event with bytes that must be UTF-8, such as the record's value. The host checks them. */
  bytes(payload: Uint8Array): void;
}

/** The table `config` of this plugin. What `configure` throws as an `Error` is its refusal. */
export class Config {
  /** The JSON; `{}` if there is no table. */
  readonly json: string;
  /** The object. */
  readonly value: Record<string, unknown>;
  constructor(json: string);
  /** For a plugin without configuration: throws if there is any. */
  none(): void;
  /**
   * The table with these defaults. Throws for unknown keys and for values of
   * another type than the default's; a default of null allows any type.
   */
  read<T extends Record<string, unknown>>(defaults: T): T;
}

/** What a transform's module exports. */
export interface Transform {
  configure?(config: Config): void;
  /** Adds the events of one record. Adding none filters the record out. */
  transform(record: KafkaRecord, events: Events): void;
}

/**
 * What the module of a transform with state exports. It needs the capability
 * `keyvalue`: `capabilities = ["keyvalue"]` in the plugin's table of the
 * configuration.
 *
 * Values are kept in the pipeline's store under keys of one partition, and stored
 * in the same transaction as the events of the batch: whatever crashes, it is as
 * if each record had been processed once. So all records that share a key must be
 * in one partition, as Kafka's producers do for records with the same key. The
 * module itself must keep nothing.
 */
export interface StatefulTransform {
  configure?(config: Config): void;
  /**
   * Names every key that the record may read or write. It is called for the whole
   * batch before any value is known. If it throws a `Failure`, the record has no
   * keys, and `transform` should throw that too.
   */
  keys(record: KafkaRecord, keys: Keys): void;
  /**
   * Adds the events of one record, and reads and writes its keys. Records after it
   * see what it wrote. If it throws a `Failure`, none of its events and none of its
   * values is stored.
   */
  transform(record: KafkaRecord, events: Events, state: State): void;
}

/** A key: a text as UTF-8, or bytes. */
export type Key = string | Uint8Array;

/** Collects the keys of the current record. */
export interface Keys {
  /** Names a key: 1 to 256 bytes, at most 100 for one record. Breaking these rules fails it as `bad-output`. */
  add(key: Key): void;
}

/**
 * The values of the current record's keys. A key that `keys` did not name for this
 * record throws an `Error`; one that is neither text nor bytes fails as `rejected`.
 */
export interface State {
  /** The value of a key; null if it has none, or it has expired. */
  get(key: Key): Uint8Array | null;
  /** The value as text. Throws `rejected` if it is not UTF-8. */
  text(key: Key): string | null;
  /** The value as JSON. Throws `rejected` if it is not JSON. */
  json(key: Key): any;
  /** Sets a value: at most 64 KiB, until it is removed. */
  set(key: Key, value: string | Uint8Array): void;
  /** Sets a value, written as JSON. Throws `rejected` if it can't be written so. */
  setJson(key: Key, value: unknown): void;
  /** Sets a value for so many milliseconds from `now` on, measured by the records' timestamps. */
  setFor(key: Key, value: string | Uint8Array, milliseconds: number): void;
  /** Removes a value. */
  remove(key: Key): void;
  /**
   * The time at this record: the largest timestamp of the partition's records up to
   * and including this one, in milliseconds since 1970-01-01 UTC; null if none of
   * them had one. It never goes back.
   */
  now(): number | null;
}

/** What a route needs to know of each event beside its address and type. */
export interface Needs {
  /** Whether the client is connected. Costs one look-up per batch in the store. */
  connected?: boolean;
  /** The payload. */
  payload?: boolean;
  /** The record's key and headers. */
  record?: boolean;
}

/** An event to route. */
export interface RoutedEvent {
  readonly address: { readonly kind: "client" | "group"; readonly name: string };
  /** The client's id; null for a group's event. */
  readonly client: string | null;
  /** The group's name; null for a client's event. */
  readonly group: string | null;
  /** The event's type; may be empty. */
  readonly kind: string;
  /** Whether the client is connected; true for a group's event; false without `needs.connected`. */
  readonly connected: boolean;
  /** The payload; empty without `needs.payload`. */
  readonly payload: Uint8Array;
  /** The record that it was made of; key and headers only with `needs.record`, never the value. */
  readonly record: KafkaRecord;
  /** The payload as text; empty without `needs.payload`. */
  text(): string;
  /** The payload as JSON. */
  json(): any;
  json<const S extends Shape>(shape: S): Shaped<S>;
}

/** Bytes, or a text as UTF-8, or nothing. */
export type Bytes = Uint8Array | string | null;

/** Where an event goes: to the stream of its client or group, to a topic, to both or nowhere. */
export interface Destination {
  /** The delivery to the stream; `as-configured` if it is left out. */
  deliver?: "no" | "as-configured" | "always" | "while-connected";
  /** A Kafka topic that receives the payload. */
  topic?: string | null;
  /** The key there. */
  key?: Bytes;
  /** Headers there, beside the host's `millstream.*`. */
  headers?: { name: string; value: Bytes }[];
}

/** What a route's module exports. */
export interface Route {
  configure?(config: Config): void;
  needs?: Needs | (() => Needs);
  /** Decides where one event goes; undefined means as configured. */
  route(event: RoutedEvent): Destination | undefined;
}

/** A record that failed, and why. */
export interface FailedRecord {
  /** The record, with all its bytes. */
  readonly record: KafkaRecord;
  /** How many times it was tried, this failure included: 1 for the first. */
  readonly attempts: number;
  /** Where it failed: `ingest`, `transform`, `address`, `route` or `store`. */
  readonly stage: string;
  /** The failure class, such as `malformed`, `transient` or `trap`. */
  readonly class: string;
  /** The message for people. */
  readonly message: string;
  /** The plugin that failed; empty if no plugin is to blame. */
  readonly plugin: string;
  /** That plugin's digest, or empty. */
  readonly digest: string;
}

/** A dead letter. It keeps the record's key and headers, and the host adds `millstream.error.*`. */
export interface Letter {
  /** The topic; the pipeline's default, `<topic>-dlq`, if it is left out. */
  topic?: string | null;
  /** Another value, or null for none; the record's value if it is left out. */
  value?: Bytes;
  /** Headers to add. */
  headers?: { name: string; value: Bytes }[];
}

export type Decision =
  | ({ action: "to-topic" } & Letter)
  | { action: "reroute"; topic: string; headers: { name: string; value: Bytes }[] }
  | { action: "retry"; delayMs: number }
  | { action: "drop" }
  | { action: "halt" };

/** Makes the answers of `decide`. */
export const Decision: {
  /** It goes to a Kafka topic. */
  toTopic(letter?: Letter): Decision;
  /** It goes to another topic, unchanged but for added headers. */
  reroute(topic: string, headers?: { name: string; value: Bytes }[]): Decision;
  /** It is retried after a delay, while its partition waits. */
  retry(delayMs: number): Decision;
  /** It is dropped and counted. */
  drop(): Decision;
  /** The partition halts. */
  halt(): Decision;
};

/** What a dead-letter policy's module exports. */
export interface DeadLetter {
  configure?(config: Config): void;
  /** Decides what happens to one failed record. */
  decide(failed: FailedRecord): Decision;
}

/** How a transform handles tombstones, for the key `tombstones` of its configuration. */
export class Tombstones {
  readonly mode: "skip" | "fail" | "event";
  constructor(mode?: string);
  /** Handles a tombstone; `event` makes the event from the key. Throws `malformed` or `unaddressable`. */
  of(record: KafkaRecord, event: (key: string) => void): void;
}
