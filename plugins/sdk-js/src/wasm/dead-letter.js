import { run } from "../dead-letter.js";
import { DECISION, Decisions } from "../output.js";
import { argument, batchOf, configured, exported, freeArguments, keepDecisions } from "./call.js";
import { arena, wordAt } from "./memory.js";

/** Serves the host with a dead-letter policy. */
export function serve(plugin) {
  if (typeof plugin.decide !== "function") throw new Error("the plugin must export a function `decide(failed)`");
  exported("dead-letter", {
    configure: () => configured(plugin),
    run() {
      const answer = new Decisions(arena);
      run(plugin, batchOf(), wordAt(argument(9)), argument(10), answer);
      freeArguments([0, 5, 7, 9]);
      return keepDecisions(answer, DECISION.words);
    },
  });
}
