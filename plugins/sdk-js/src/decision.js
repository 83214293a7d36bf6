/** What happens to a failed record. */

/** Makes the answers of `decide`. */
export const Decision = {
  toTopic({ topic = null, value, headers = [] } = {}) {
    return { action: "to-topic", topic, value, headers };
  },
  reroute(topic, headers = []) {
    return { action: "reroute", topic, headers };
  },
  retry(delayMs) {
    return { action: "retry", delayMs };
  },
  drop() {
    return { action: "drop" };
  },
  halt() {
    return { action: "halt" };
  },
};
