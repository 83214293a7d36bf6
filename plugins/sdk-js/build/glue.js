/** The functions that connect the engine to the contract and to the SDK. */

import { HOST, IMPORT } from "./engine.js";
import { at, body } from "./instructions.js";

/** Words in the mailbox, through which arguments and answers go. */
const MAILBOX_WORDS = 16;

/** What the call into the SDK left in the mailbox's first word. */
const STATUS = { answered: 1, panicked: 2 };

/** What `text` leaves there if the bytes are ASCII; otherwise it leaves 0. */
const ASCII = 3;

/** Where `clock` leaves its answer in the mailbox, in bytes. */
const CLOCK = 8;

const PAGE = 65536;

/** The size of the mailbox in bytes. */
export const MAILBOX = 4 * MAILBOX_WORDS;

/** `cabi_realloc(old, old size, alignment, new size)`. */
export function allocation(index) {
  const [old, oldSize, newSize, place] = [0, 1, 3, 4];
  return body(1,
    at.get(newSize), at.call(index.malloc), at.tee(place), at.isZero, at.if, at.unreachable, at.end,
    at.get(old), at.if,
    at.get(place), at.get(old), at.get(oldSize), at.copy, at.get(old), at.call(index.free),
    at.end,
    at.get(place));
}

/** An exported function: arguments into the mailbox, a call of the SDK, the answer out of it. */
export function entry(parameters, handler, index, engine, mailbox) {
  const result = parameters;
  const word = (n) => [at.const(mailbox), at.load(4 * n)];
  const argument = (n) => [at.const(mailbox), at.get(n), at.store(4 * (n + 1))];
  const { context } = engine;
  return body(1,
    at.const(mailbox), at.const(0), at.store(),
    Array.from({ length: parameters }, (_, n) => argument(n)),
    at.const(context), at.const(handler), at.const(engine.getUndefined()), at.const(0), at.const(0),
    at.call(index.call), at.set(result),
    at.const(context), at.get(result), at.call(index.freeValue),
    word(0), at.const(STATUS.answered), at.notEqual, at.if,
    word(0), at.const(STATUS.panicked), at.equal, at.if, word(1), word(2), word(3), at.call(index.panicked), at.end,
    at.unreachable, at.end,
    word(1));
}

/** The function in the place of one of the engine's imports. */
export function stub(letter, index, engine, mailbox) {
  const bad = body(0, at.const(8));
  const zero = body(0, at.const(0));
  switch (letter) {
    case IMPORT.assertFail: case IMPORT.abort: case IMPORT.exit:
      return body(0, at.unreachable);
    case IMPORT.fdWrite: case IMPORT.fdClose: case IMPORT.fdSeek:
      return bad;
    case IMPORT.environSizesGet:
      return body(0, at.get(0), at.const(0), at.store(), at.get(1), at.const(0), at.store(), at.const(0));
    case IMPORT.resizeHeap:
      return growth();
    case IMPORT.localtime:
      return body(0, at.get(1), at.const(0), at.const(44), at.fill);
    case IMPORT.tzset:
      return body(0,
        [0, 1].map((to) => [at.get(to), at.const(0), at.store()]),
        [2, 3].map((to) => [at.get(to), at.const(0x435455), at.store()]));
    case IMPORT.clockTimeGet:
      return body(0, at.get(2), at.long(0), at.store64(), at.const(0));
    case IMPORT.dateNow:
      return body(0, [0x44, 0, 0, 0, 0, 0, 0, 0, 0]);
    case IMPORT.hostCall:
      return hostCall(index, engine.context, mailbox);
    case IMPORT.keepaliveClear: case IMPORT.freeHostRef:
      return body(0);
    default:
      return zero;
  }
}

/** Grows the memory to `size` bytes: 1, or 0 if the host refuses. */
function growth() {
  const pages = [at.get(0), at.const(PAGE - 1), at.add, at.const(16), at.shiftRight, at.memorySize, at.subtract];
  return body(0, pages, at.memoryGrow, at.const(-1), at.notEqual);
}

/** Functions for the SDK: `(context, this, count, arguments, number) -> value`. */
function hostCall(index, context, mailbox) {
  const [values, number, place, length, result] = [3, 4, 5, 6, 7];
  // The engine's values are 64 bits wide; an integer is the lower half.
  const integer = (n) => [at.get(values), at.load(8 * n)];
  const when = (wanted, ...then) => [at.get(number), at.const(wanted), at.equal, at.if, then, at.return, at.end];
  const answer = (value) => [
    at.const(8), at.call(index.malloc), at.tee(result), value, at.extend, at.store64(), at.get(result),
  ];
  const end = [at.get(place), at.get(length), at.add];
  const text = [
    integer(0), at.set(place), integer(1), at.set(length),
    // Whether all bytes are ASCII: their bits together, in steps of eight bytes.
    at.const(0), at.set(result), at.get(place), at.set(number),
    at.block, at.loop,
    at.get(number), at.const(8), at.add, end, at.above, at.branchIf(1),
    at.get(number), at.load(), at.get(number), at.load(4), at.or, at.get(result), at.or, at.set(result),
    at.get(number), at.const(8), at.add, at.set(number), at.branch(0),
    at.end, at.end,
    at.block, at.loop,
    at.get(number), end, at.notBelow, at.branchIf(1),
    at.get(number), at.load8(), at.get(result), at.or, at.set(result),
    at.get(number), at.const(1), at.add, at.set(number), at.branch(0),
    at.end, at.end,
    at.const(mailbox), at.get(result), at.const(0x80808080 | 0), at.and, at.isZero, at.const(ASCII), at.multiply, at.store(),
    // The engine reads up to a zero byte.
    end, at.load8(), end, at.const(0), at.store8(),
    at.const(context), at.get(place), at.call(index.newString), at.set(result),
    at.set(number), end, at.get(number), at.store8(), at.get(result),
  ];
  const put = [
    at.const(context), at.get(values), at.call(index.getString), at.tee(place),
    at.isZero, at.if, at.unreachable, at.end,
    at.get(place), at.set(length),
    at.block, at.loop,
    at.get(length), at.load8(), at.isZero, at.branchIf(1),
    at.get(length), at.const(1), at.add, at.set(length), at.branch(0),
    at.end, at.end,
    at.get(length), at.get(place), at.subtract, at.set(length),
    integer(1), at.get(place), at.get(length), at.copy,
    at.const(context), at.get(place), at.call(index.freeCString),
    answer(at.get(length)),
  ];
  // The time takes two words, which the SDK reads there.
  const clock = [at.const(mailbox), integer(0), at.call(index.clock), at.store64(CLOCK)];
  return body(3,
    when(HOST.text, text),
    when(HOST.put, put),
    when(HOST.allocate, integer(0), at.call(index.malloc), at.set(place), answer(at.get(place))),
    when(HOST.free, integer(0), at.call(index.free), at.const(0)),
    index.log === undefined ? [] : when(HOST.log, [0, 1, 2, 3].map(integer), at.call(index.log), at.const(0)),
    index.clock === undefined ? [] : when(HOST.clock, clock, at.const(0)),
    at.unreachable);
}
