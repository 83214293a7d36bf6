import { Answer, run } from "../transform.js";
import { answerWords } from "./answer.js";
import { batchOf, configured, exported, freeArguments, keepWords } from "./call.js";
import { arena } from "./memory.js";

/** Serves the host with a transform: one that keeps state, if the plugin names keys. */
export async function serve(plugin) {
  const isStateful = typeof plugin.keys === "function";
  const parameters = isStateful ? "record, events, state" : "record, events";
  if (typeof plugin.transform !== "function") throw new Error(`the plugin must export a function \`transform(${parameters})\``);
  if (!isStateful && plugin.transform.length > 2) {
    throw new Error("transform takes a third argument, state, but the plugin does not export a function `keys(record, keys)`");
  }
  if (isStateful) {
    // Only then: every module makes every instance larger.
    const { serveStateful } = await import("./stateful.js");
    return serveStateful(plugin);
  }
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
