/** What the three kinds share: arguments and answers in the mailbox, and panics. */

import { configure } from "../config.js";
import { Batch, HEADER, NO_RECORD } from "../record.js";
import { Memory, allocate, arena, free, mailbox, wordAt, words } from "./memory.js";

const STATUS = { answered: 1, panicked: 2 };

/** The words of a call's arguments begin here. */
const ARGUMENTS = mailbox + 1;

/** The batch of the current call, which knows the record of a panic. */
let batch = undefined;

/** The index of the current record, or `NO_RECORD`. */
export const current = () => batch?.current ?? NO_RECORD;

/** The argument `n` of a call. */
export const argument = (n) => words[ARGUMENTS + n];

/** Blocks of the last answer, which the host has read by now. */
let kept = [];

/** Space for a part of the answer: its address. */
export function keep(size) {
  const address = allocate(Math.max(size, 4));
  kept.push(address);
  return address;
}

/** Writes rows of words: the address. */
export function keepWords(rows) {
  const address = keep(4 * rows.length);
  words.set(rows, wordAt(address));
  return address;
}

/**
 * Makes the plugin one that exports this interface: each of its functions
 * returns the address of its answer. The build reads these globals.
 */
export function exported(name, functions) {
  globalThis.__interface = name;
  for (const [own, answer] of Object.entries(functions)) globalThis[`__${own}`] = handler(answer);
}

function handler(answer) {
  return () => {
    batch = undefined;
    kept.forEach(free);
    kept = [];
    arena.at = 0;
    try {
      reply(STATUS.answered, answer());
    } catch (error) {
      panicked(error);
    }
  };
}

function reply(status, ...values) {
  words.set([status, ...values], mailbox);
}

function panicked(error) {
  arena.at = 0;
  arena.text(describe(error).toWellFormed());
  reply(STATUS.panicked, current(), arena.address, arena.at);
}

/** An error's message and its place in the author's code. */
function describe(error) {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const place = /^\s*at (?:.*\()?((?!millstream:)[^()\s]+:\d+:\d+)\)?$/m.exec(error.stack ?? "");
  const message = error.message === "" ? error.name : `${error.name}: ${error.message}`;
  return place ? `${message}, at ${place[1]}` : message;
}

/** The configuration's result; `accepted` returns the payload's word, if there is one. */
export function configured(plugin, accepted = () => 0) {
  const json = new Memory(argument(0), argument(1)).text(0, argument(1));
  const refusal = configure(plugin, json);
  free(argument(0));
  if (refusal === undefined) return keepWords([0, accepted(), 0]);
  arena.text(refusal.toWellFormed());
  return keepWords([1, arena.address, arena.at]);
}

/** The batch of a call, whose first nine arguments are the same for all kinds; they begin at the word `at`. */
export function batchOf(at = ARGUMENTS) {
  const [address, length, topic, topicLength, partition, records, count, headers] = words.slice(at, at + 8);
  batch = new Batch(new Memory(address, length), words, {
    topic: [topic, topicLength], partition, records: wordAt(records), headers: wordAt(headers), count,
  });
  return batch;
}

/** Frees the lists of a call; their addresses are these arguments. */
export function freeArguments(numbers, at = ARGUMENTS) {
  for (const n of numbers) free(words[at + n]);
}

/** Writes the answer of a route or a policy: its address. */
export function keepDecisions({ decisions, headers }, size) {
  return keepWords([
    arena.address, arena.at,
    keepWords(headers), headers.length / HEADER.words,
    keepWords(decisions), decisions.length / size,
  ]);
}
