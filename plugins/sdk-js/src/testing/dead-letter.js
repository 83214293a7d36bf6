import { FAILED, run } from "../dead-letter.js";
import { Decision } from "../decision.js";
import { DECISION, Decisions } from "../output.js";
import { ABSENT } from "../record.js";
import { checkOutput } from "./checks.js";
import { reached } from "./clock.js";
import { NativeArena, bytesOf, configured, flat, headersOf, rowsOf } from "./memory.js";

/** A dead-letter policy under test. */
export class DeadLetterTest {
  /** `plugin` is the plugin's module: `import * as plugin from "../src/plugin.js"`. */
  constructor(plugin, config = {}) {
    this.plugin = plugin;
    this.config = config;
    this.clock = -1;
    configured(plugin, config);
  }

  /** Runs one batch, configured anew: the decision on each failed record. Throws what the host refuses. */
  run(failures) {
    configured(this.plugin, this.config);
    const records = failures.map(({ record = {} }) => record);
    const { batch, rows } = flat(records, (arena) => failures.map((failure, index) => lowered(failure, index, arena)), this);
    this.clock = reached(this.clock);
    const answer = new Decisions(new NativeArena());
    run(this.plugin, batch, rows, failures.length, answer);
    return rowsOf(answer.decisions, DECISION.words).map((row) => read(row, answer));
  }
}

function lowered(failure, index, arena) {
  const { class: failureClass, message = "", attempts = 1, stage = "transform", plugin = "plugin", digest = "digest" } = failure;
  const texts = [stage, failureClass, message, plugin, digest];
  return [index, attempts, ...texts.flatMap((text) => arena.span(text))].slice(0, FAILED.words);
}

function read([action, delayMs, topicStart, topicLength, valueFrom, value, valueLength, first, count], answer) {
  const { arena } = answer;
  if (action === 1) return Decision.retry(delayMs >>> 0);
  if (action === 2) return Decision.drop();
  if (action === 3) return Decision.halt();
  const topic = topicStart === ABSENT ? null : arena.text(topicStart, topicLength);
  const headers = headersOf(answer, first, count);
  const own = valueFrom === 0 || value === ABSENT ? 0 : valueLength;
  const failure = checkOutput(topic, headers, own);
  if (failure) throw failure;
  if (action === 4) return Decision.reroute(topic, headers);
  return Decision.toTopic({ topic, value: valueFrom === 0 ? undefined : bytesOf(arena, value, valueLength), headers });
}
