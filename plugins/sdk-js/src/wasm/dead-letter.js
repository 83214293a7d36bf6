import { run } from "../dead-letter.js";
import { DECISION, Decisions } from "../output.js";
import { argument, batchOf, configured, freeArguments, handler, keepDecisions } from "./call.js";
import { arena, wordAt } from "./memory.js";

/** Serves the host with a dead-letter policy. */
export function serve(plugin) {
  if (typeof plugin.decide !== "function") throw new Error("the plugin must export a function `decide(failed)`");
  globalThis.__configure = handler(() => configured(plugin));
  globalThis.__run = handler(() => {
    const answer = new Decisions(arena);
    run(plugin, batchOf(), wordAt(argument(9)), argument(10), answer);
    freeArguments(0, 5, 7, 9);
    return keepDecisions(answer, DECISION.words);
  });
}
