import type { Bytes, DeadLetter, Decision, Failure, Key, Route, StatefulTransform, Transform } from "../index.js";

/** A test record. Its topic is `topic`, its partition 0, its offset its index in the test. */
export interface TestRecord {
  key?: Bytes;
  /** Absent or null for a tombstone. */
  value?: Bytes;
  /** The value as JSON. */
  json?: unknown;
  headers?: { name: string; value: Bytes }[];
  /** Milliseconds since 1970-01-01 UTC. */
  timestamp?: number;
}

/** An event that a transform made. Of `client`, `group` and `task` two are empty. */
export interface MadeEvent {
  client: string;
  group: string;
  task: string;
  kind: string;
  payload: string;
}

/** A transform under test. `plugin` is its module: `import * as plugin from "../src/plugin.js"`. */
export class TransformTest {
  /** Throws the plugin's refusal of `config`. */
  constructor(plugin: Transform, config?: object | string);
  /** Runs one batch, configured anew: for each record its events, or its failure. */
  run(records: TestRecord[]): { events: MadeEvent[]; failure: Failure | null }[];
  /** Runs one record: its events. Throws its failure. */
  one(record: TestRecord): MadeEvent[];
}

/**
 * A transform with state under test. It remembers values and time from one run to
 * the next, as a partition does.
 */
export class StatefulTest {
  /** Throws the plugin's refusal of `config`. */
  constructor(plugin: StatefulTransform, config?: object | string);
  /** Runs records one after another, configured anew: for each its events, or its failure. */
  run(records: TestRecord[]): { events: MadeEvent[]; failure: Failure | null }[];
  /** Runs one record: its events. Throws its failure. */
  one(record: TestRecord): MadeEvent[];
  /** The value that is kept under a key now, or null. */
  value(key: Key): Uint8Array | null;
  /** That value as text. */
  text(key: Key): string | null;
}

/** An event to route in a test: for a client that is away, unless `connected`, or for a group. */
export interface TestEvent {
  client?: string;
  group?: string;
  kind?: string;
  payload?: string | Uint8Array;
  json?: unknown;
  connected?: boolean;
  record?: TestRecord;
}

/** Where an event was sent. */
export interface TestDestination {
  deliver: "no" | "as-configured" | "always" | "while-connected";
  topic: string | null;
  key: Uint8Array | null;
  headers: { name: string; value: Uint8Array | null }[];
  failure: null;
}

/** A route under test. */
export class RouteTest {
  constructor(plugin: Route, config?: object | string);
  /** Routes events, configured anew: for each its destination, or its failure. */
  run(events: TestEvent[]): (TestDestination | { failure: Failure })[];
}

/** A failed test record. */
export interface TestFailure {
  class: string;
  message?: string;
  attempts?: number;
  stage?: string;
  plugin?: string;
  digest?: string;
  record?: TestRecord;
}

/** A dead-letter policy under test. */
export class DeadLetterTest {
  constructor(plugin: DeadLetter, config?: object | string);
  /** Runs one batch, configured anew: the decision on each failed record. Throws what the host refuses. */
  run(failures: TestFailure[]): Decision[];
}
