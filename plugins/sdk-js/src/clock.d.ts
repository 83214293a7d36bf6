/**
 * The time that records tell. Importing this module asks for the capability
 * `clock`: without `capabilities = ["clock"]` in the plugin's table of the
 * configuration the plugin does not go live. A transform with state has the same
 * time from `state.now()`, without the capability.
 */

/**
 * The time at the current record: the largest timestamp of the partition's records
 * up to and including this one, in milliseconds since 1970-01-01 UTC; null if none
 * of them had one. It never goes back, and is the same when the record is
 * processed again. Between two records it stands still.
 */
export function now(): number | null;
