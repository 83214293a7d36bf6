// Package clock has the time that records tell.
//
// A plugin that imports this package needs the capability `clock`: without
// `capabilities = ["clock"]` in its table of the daemon's configuration it does
// not go live. A transform of millstream/stateful has the same time from its
// State, without the capability.
package clock

// Now returns the time at the current record: the largest timestamp of the
// partition's records up to and including this one, in milliseconds since
// 1970-01-01 UTC; false if none of them had one.
//
// It never goes back, and is the same when the record is processed again. Between
// two records it does not change.
func Now() (millis int64, ok bool) {
	millis = now()
	return millis, millis >= 0
}
