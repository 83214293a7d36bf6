package stateful

import (
	"unsafe"

	"millstream/internal/flat"
	"millstream/internal/guest"
)

// Package transform exports its own interface too, which the build leaves out.

var runner *Runner

//go:wasmexport millstream:plugin/stateful-transform@0.1.0#configure
func exportConfigure(json unsafe.Pointer, length uint32) unsafe.Pointer {
	return guest.Configure(json, length, func(config string) (err error) {
		runner, err = NewRunner(configured, config)
		return err
	}).Pointer()
}

// loweredKeys and lowered are the answers as they cross the boundary.
var (
	loweredKeys struct{ arena, keys guest.List }
	lowered     struct{ arena, events, failures, writes guest.List }
)

//go:wasmexport millstream:plugin/stateful-transform@0.1.0#keys
func exportKeys(
	arena unsafe.Pointer, arenaLength, topicStart, topicLength uint32, partition int32,
	records unsafe.Pointer, recordCount uint32, headers unsafe.Pointer, headerCount uint32,
) unsafe.Pointer {
	defer guest.Report()
	guest.MustBe(runner != nil)
	batch := guest.Batch(arena, arenaLength, topicStart, topicLength, partition,
		records, recordCount, headers, headerCount)
	answer := runner.Keys(batch)
	guest.Done()
	loweredKeys.arena = guest.ListOf(answer.Arena)
	loweredKeys.keys = guest.ListOf(answer.Keys)
	return unsafe.Pointer(&loweredKeys)
}

// params are the parameters of run, in memory: there are too many to cross as
// numbers.
type params struct {
	arena            guest.List
	topic            flat.Span
	partition        int32
	records, headers guest.List
	state            struct{ arena, entries, named, counts, clocks guest.List }
}

//go:wasmexport millstream:plugin/stateful-transform@0.1.0#run
func exportRun(memory unsafe.Pointer) unsafe.Pointer {
	defer guest.Report()
	guest.MustBe(runner != nil)
	params := (*params)(memory)
	batch := guest.Batch(params.arena.Pointer(), params.arena.Length(),
		params.topic.Start, params.topic.Length, params.partition,
		params.records.Pointer(), params.records.Length(),
		params.headers.Pointer(), params.headers.Length())
	answer := runner.Run(batch, &WireState{
		Arena:   guest.Lifted[byte](params.state.arena),
		Entries: guest.Lifted[WireEntry](params.state.entries),
		Named:   guest.Lifted[uint32](params.state.named),
		Counts:  guest.Lifted[uint32](params.state.counts),
		Clocks:  guest.Lifted[int64](params.state.clocks),
	})
	guest.Done()
	lowered.arena = guest.ListOf(answer.Arena)
	lowered.events = guest.ListOf(answer.Events)
	lowered.failures = guest.ListOf(answer.Failures)
	lowered.writes = guest.ListOf(answer.Writes)
	return unsafe.Pointer(&lowered)
}
