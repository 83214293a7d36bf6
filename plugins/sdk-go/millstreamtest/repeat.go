package millstreamtest

import (
	"reflect"
	"slices"
	"sync"
	"testing"

	"millstream/internal/guest"
)

// running is held while a plugin runs: tests may be parallel, and the SDK has one
// current record.
var running sync.Mutex

// runAt runs a plugin, with the time at each of its inputs.
func runAt[T any](times []int64, run func() T) T {
	running.Lock()
	defer running.Unlock()
	guest.Times = times
	return run()
}

// repeatedly runs a test's inputs together, reversed and each alone, as the host
// does before a plugin goes live, and returns the answers of the first run.
// `times` has the time at each input. `runOnce` has one answer for each index that
// it is given.
func repeatedly[T any](t testing.TB, times []int64, runOnce func(indices []int) []T) []T {
	t.Helper()
	all := make([]int, len(times))
	for i := range all {
		all[i] = i
	}
	run := func(indices []int) []T {
		own := make([]int64, len(indices))
		for i, index := range indices {
			own[i] = times[index]
		}
		return runAt(own, func() []T { return runOnce(indices) })
	}
	first := run(all)
	backwards := slices.Clone(all)
	slices.Reverse(backwards)
	compare(t, "in another order", backwards, first, run)
	for i := range all {
		compare(t, "alone", all[i:i+1], first, run)
	}
	return first
}

func compare[T any](t testing.TB, how string, indices []int, first []T, run func([]int) []T) {
	t.Helper()
	for i, again := range run(indices) {
		index := indices[i]
		if !reflect.DeepEqual(again, first[index]) {
			t.Fatalf("the plugin keeps state or depends on the order of a map: input %d gives another "+
				"result %s: %+v, and before: %+v", index, how, again, first[index])
		}
	}
}

// scramble overwrites a call's arguments after it: the host does so too.
func scramble(arena []byte) {
	for i := range arena {
		arena[i] = '#'
	}
}
