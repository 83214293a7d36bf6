import { Failure } from "../failure.js";
import { ADDRESS, Answer, EVENT, FAILURE, run } from "../transform.js";
import { checkEvents } from "./checks.js";
import { reached } from "./clock.js";
import { NativeArena, configured, flat, rowsOf } from "./memory.js";

const CLASSES = ["rejected", "malformed", "unaddressable", "transient"];

/** A transform under test. */
export class TransformTest {
  /** `plugin` is the plugin's module: `import * as plugin from "../src/plugin.js"`. */
  constructor(plugin, config = {}) {
    this.plugin = plugin;
    this.config = config;
    this.clock = -1;
    if (typeof plugin.keys === "function") throw new Error("the plugin exports `keys`: test it with StatefulTest");
    configured(plugin, config);
  }

  /** Runs one batch, configured anew: for each record its events, or its failure. */
  run(records) {
    configured(this.plugin, this.config);
    const { batch } = flat(records, undefined, this);
    this.clock = reached(this.clock);
    const answer = new Answer(new NativeArena());
    run(this.plugin, batch, answer);
    return results(answer, records.length);
  }

  /** Runs one record: its events. Throws its failure. */
  one(record) {
    const [{ events, failure }] = this.run([record]);
    if (failure) throw failure;
    return events;
  }
}

/** For each of so many records: its events, or its failure, which may be the host's. */
export function results({ arena, events, failures }, count) {
  const rows = rowsOf(events, EVENT.words);
  const failed = new Map(
    rowsOf(failures, FAILURE.words).map(([record, number, start, length]) => [
      record, new Failure(CLASSES[number], arena.text(start, length)),
    ]),
  );
  return Array.from({ length: count }, (_, record) => {
    const own = rows.filter((row) => row[0] === record);
    const failure = failed.get(record) ?? checkEvents(own, arena);
    return failure ? { events: [], failure } : { events: own.map((row) => made(row, arena)), failure: null };
  });
}

function made([, addressKind, address, addressLength, kind, kindLength, payload, payloadLength], arena) {
  const name = (wanted) => (addressKind === wanted ? arena.text(address, addressLength) : "");
  return {
    client: name(ADDRESS.client),
    group: name(ADDRESS.group),
    task: name(ADDRESS.task),
    kind: arena.text(kind, kindLength),
    payload: arena.text(payload, payloadLength),
  };
}
