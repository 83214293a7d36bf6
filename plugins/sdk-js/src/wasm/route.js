import { DECISION, Decisions } from "../output.js";
import { needsOf, run } from "../route.js";
import { argument, batchOf, configured, exported, freeArguments, keepDecisions } from "./call.js";
import { arena, wordAt } from "./memory.js";

/** Serves the host with a route. */
export function serve(plugin) {
  if (typeof plugin.route !== "function") throw new Error("the plugin must export a function `route(event)`");
  exported("route", {
    configure: () => configured(plugin, () => needsOf(plugin)),
    run() {
      const answer = new Decisions(arena);
      run(plugin, batchOf(), wordAt(argument(9)), argument(10), answer);
      freeArguments([0, 5, 7, 9]);
      return keepDecisions(answer, DECISION.words);
    },
  });
}
