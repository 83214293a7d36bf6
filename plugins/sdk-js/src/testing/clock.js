/** `millstream/clock` in tests: the time that the test's records tell. */

/** The current batch, and the time at each of its records. */
let batch = undefined;
let times = [];

/** Begins a batch of records; the time was `clock` before them. */
export function begin(begun, records, clock) {
  batch = begun;
  times = records.map(({ timestamp = -1 }) => (clock = Math.max(clock, timestamp)));
}

/** The time at the last record of the batch, or at none. */
export const reached = (clock) => times.at(-1) ?? clock;

export function now() {
  const time = times[batch?.current] ?? -1;
  return time < 0 ? null : time;
}
