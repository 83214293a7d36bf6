/** A transform that does what its record says. */

import { Failure } from "millstream";

const deep = (n) => deep(n + 1) + 1;
const faults = {
  throw: () => { throw new Error("no such customer"); },
  undefined: () => undefined.name,
  failure: () => { throw Failure.rejected("not today"); },
  json: (record) => record.json({ id: "number" }),
  clock: () => Date.now(),
  date: () => new Date(),
  random: () => Math.random(),
  timer: () => setTimeout(() => {}, 1),
  fetch: () => fetch("http://127.0.0.1/"),
  process: () => process.env.HOME,
  promise: async () => {},
  recursion: () => deep(0),
  loop: () => { for (;;); },
  empty: (_, events) => events.client("").text(""),
  reserved: (_, events) => events.client("a").kind("open").text(""),
  control: (_, events) => events.group("a\nb").text(""),
  many: (_, events) => { for (let n = 0; n < 1001; n++) events.client("a").text(""); },
  surrogate: (_, events) => events.client("a").text("\ud800"),
  print: () => console.log("nobody reads this"),
};

export function transform(record, events) {
  return faults[record.text()]?.(record, events);
}
