import { Failure } from "../failure.js";
import { DECISION, Decisions } from "../output.js";
import { needsOf, run } from "../route.js";
import { checkOutput } from "./checks.js";
import { reached } from "./clock.js";
import { NativeArena, bytesOf, configured, flat, headersOf, rowsOf } from "./memory.js";
import { ABSENT } from "../record.js";

const DELIVER = ["no", "as-configured", "always", "while-connected"];

/** A route under test. */
export class RouteTest {
  /** `plugin` is the plugin's module: `import * as plugin from "../src/plugin.js"`. */
  constructor(plugin, config = {}) {
    this.plugin = plugin;
    this.config = config;
    this.clock = -1;
    configured(plugin, config);
  }

  /**
   * Routes events, configured anew: for each its destination, or its failure.
   * As in the host, what `needs` does not ask for is absent.
   */
  run(events) {
    configured(this.plugin, this.config);
    const needs = needsOf(this.plugin);
    const records = events.map(({ record = {} }) => (
      needs & 4 ? { ...record, value: null, json: undefined } : { timestamp: record.timestamp }
    ));
    const { batch, rows } = flat(records, (arena) => events.map((event, index) => lowered(event, index, needs, arena)), this);
    this.clock = reached(this.clock);
    const answer = new Decisions(new NativeArena());
    run(this.plugin, batch, rows, events.length, answer);
    return rowsOf(answer.decisions, DECISION.words).map((row) => read(row, answer));
  }
}

function lowered({ client, group, kind = "", payload, json, connected = false }, index, needs, arena) {
  const isGroup = group !== undefined;
  const content = json === undefined ? payload ?? "" : JSON.stringify(json);
  return [
    index, needs & 1 && (connected || isGroup) ? 1 : 0, isGroup ? 1 : 0,
    ...arena.span(isGroup ? group : client), ...arena.span(kind), ...arena.span(needs & 2 ? content : null),
  ];
}

function read([stream, topicStart, topicLength, key, keyLength, first, count, refused, refusedLength], answer) {
  const { arena } = answer;
  if (refused !== ABSENT) return { failure: new Failure("unroutable", arena.text(refused, refusedLength)) };
  const topic = topicStart === ABSENT ? null : arena.text(topicStart, topicLength);
  const headers = headersOf(answer, first, count);
  const failure = topic === null ? undefined : checkOutput(topic, headers, key === ABSENT ? 0 : keyLength);
  if (failure) return { failure };
  return { deliver: DELIVER[stream], topic, key: bytesOf(arena, key, keyLength), headers, failure: null };
}
