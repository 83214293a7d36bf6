// Package millstream has what plugins of all kinds share: records, failures and
// the configuration. The package of a kind has the rest:
//
//   - millstream/transform: which events a record becomes, and for which client
//     or group
//   - millstream/route: where an event goes
//   - millstream/deadletter: what happens to a failed record
//   - millstream/millstreamtest: runs a plugin natively, in `go test`
//
// A plugin is a `package main` whose function main calls Main of its kind.
//
// The same record must give the same answer in every instance, whatever came
// before. So a plugin must not depend on the order in which it ranges over a
// map, nor on math/rand: both are random. (encoding/json sorts a map's keys; for
// your own loops use slices.Sorted(maps.Keys(m)).) There is no clock: time.Now
// is constant, and waiting is a fatal error.
package millstream
