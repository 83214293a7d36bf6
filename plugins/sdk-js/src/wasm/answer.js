import { EVENT, FAILURE } from "../transform.js";
import { keepWords } from "./call.js";
import { arena } from "./memory.js";

/** The words of a transform's answer. */
export function answerWords({ events, failures }) {
  return [
    arena.address, arena.at,
    keepWords(events), events.length / EVENT.words,
    keepWords(failures), failures.length / FAILURE.words,
  ];
}
