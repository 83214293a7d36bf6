import { Answer, run } from "../transform.js";
import { answerWords } from "./answer.js";
import { batchOf, configured, exported, freeArguments, keepWords } from "./call.js";
import { arena } from "./memory.js";
import { serveStateful } from "./stateful.js";

/** Serves the host with a transform: one that keeps state, if the plugin names keys. */
export function serve(plugin) {
  const isStateful = typeof plugin.keys === "function";
  const parameters = isStateful ? "record, events, state" : "record, events";
  if (typeof plugin.transform !== "function") throw new Error(`the plugin must export a function \`transform(${parameters})\``);
  if (isStateful) return serveStateful(plugin);
  exported("transform", {
    configure: () => configured(plugin),
    run() {
      const answer = new Answer(arena);
      run(plugin, batchOf(), answer);
      freeArguments([0, 5, 7]);
      return keepWords(answerWords(answer));
    },
  });
}
