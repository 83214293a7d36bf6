import { KEY, nameKeys } from "../keys.js";
import { Answer, run } from "../transform.js";
import { Values, WRITE } from "../values.js";
import { answerWords } from "./answer.js";
import { argument, batchOf, configured, exported, freeArguments, keepWords } from "./call.js";
import { Memory, arena, free, wordAt, words } from "./memory.js";

/** Serves the host with a transform that keeps values under keys. */
export function serveStateful(plugin) {
  exported("stateful-transform", {
    configure: () => configured(plugin),
    keys() {
      const rows = nameKeys(plugin, batchOf(), arena);
      freeArguments([0, 5, 7]);
      return keepWords([arena.address, arena.at, keepWords(rows), rows.length / KEY.words]);
    },
    run() {
      // The one argument is the address of all of them.
      const address = argument(0);
      const at = wordAt(address);
      const values = valuesAt(at + 9);
      const answer = new Answer(arena);
      run(plugin, batchOf(at), answer, values);
      const writes = values.end(arena);
      freeArguments([0, 5, 7, 9, 11, 13, 15, 17], at);
      free(address);
      return keepWords([...answerWords(answer), keepWords(writes), writes.length / WRITE.words]);
    },
  });
}

/** The contract's `state`, whose words begin at `at`. */
function valuesAt(at) {
  const [address, length, entries, , named, , counts, , clocks] = words.slice(at, at + 10);
  const [entriesAt, namedAt, countsAt, clocksAt] = [entries, named, counts, clocks].map(wordAt);
  return new Values(new Memory(address, length), words, {
    entries: entriesAt, named: namedAt, counts: countsAt, clocks: clocksAt,
  });
}
