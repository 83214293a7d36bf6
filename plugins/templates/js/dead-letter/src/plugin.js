/**
 * A dead-letter policy: rejected records are dropped, transient failures are
 * tried again, all else goes to the default topic.
 */

import { Decision } from "millstream";

/** @type {import("millstream").DeadLetter["decide"]} */
export function decide(failed) {
  if (failed.class === "rejected") return Decision.drop();
  if (failed.class === "transient" && failed.attempts < 3) return Decision.retry(200);
  return Decision.toTopic();
}
