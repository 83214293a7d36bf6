import { Answer, EVENT, FAILURE, run } from "../transform.js";
import { batchOf, configured, freeArguments, handler, keepWords } from "./call.js";
import { arena } from "./memory.js";

/** Serves the host with a transform. */
export function serve(plugin) {
  if (typeof plugin.transform !== "function") throw new Error("the plugin must export a function `transform(record, events)`");
  globalThis.__configure = handler(() => configured(plugin));
  globalThis.__run = handler(() => {
    const answer = new Answer(arena);
    run(plugin, batchOf(), answer);
    freeArguments(0, 5, 7);
    const { events, failures } = answer;
    return keepWords([
      arena.address, arena.at,
      keepWords(events), events.length / EVENT.words,
      keepWords(failures), failures.length / FAILURE.words,
    ]);
  });
}
