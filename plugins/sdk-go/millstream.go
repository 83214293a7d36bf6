// Package millstream has what plugins of all kinds share: records, failures and
// the configuration. The package of a kind has the rest:
//
//   - millstream/transform: which events a record becomes, and for which client
//     or group
//   - millstream/stateful: a transform that keeps values under keys
//   - millstream/route: where an event goes
//   - millstream/deadletter: what happens to a failed record
//   - millstream/log: lines for the daemon's log
//   - millstream/clock: the time that records tell
//   - millstream/millstreamtest: runs a plugin natively, in `go test`
//
// A plugin is a `package main` whose function main calls Main of its kind.
//
// The same record must give the same answer in every instance, whatever came
// before. So a plugin must not depend on the order in which it ranges over a
// map, nor on math/rand: both are random. (encoding/json sorts a map's keys; for
// your own loops use slices.Sorted(maps.Keys(m)).) time.Now is constant: for the
// time that records tell, see millstream/clock. Waiting is a fatal error.
//
// A plugin that imports millstream/stateful, millstream/log or millstream/clock
// needs the capability `keyvalue`, `log` or `clock`, and goes live only if its table
// of the daemon's configuration grants it:
//
//	transform = { plugin = "orders.wasm", capabilities = ["log"] }
//
// Without millstream/log, what a plugin prints is discarded.
package millstream
