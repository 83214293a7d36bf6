package transform

import (
	"unsafe"

	"millstream/internal/guest"
)

var runner *Runner

//go:wasmexport millstream:plugin/transform@0.1.0#configure
func exportConfigure(json unsafe.Pointer, length uint32) unsafe.Pointer {
	return guest.Configure(json, length, func(config string) (err error) {
		runner, err = NewRunner(configured, config)
		return err
	}).Pointer()
}

// lowered is the answer as it crosses the boundary.
var lowered struct{ arena, events, failures guest.List }

//go:wasmexport millstream:plugin/transform@0.1.0#run
func exportRun(
	arena unsafe.Pointer, arenaLength, topicStart, topicLength uint32, partition int32,
	records unsafe.Pointer, recordCount uint32, headers unsafe.Pointer, headerCount uint32,
) unsafe.Pointer {
	defer guest.Report()
	guest.MustBe(runner != nil)
	batch := guest.Batch(arena, arenaLength, topicStart, topicLength, partition,
		records, recordCount, headers, headerCount)
	answer := runner.Run(batch)
	guest.Done()
	lowered.arena = guest.ListOf(answer.Arena)
	lowered.events = guest.ListOf(answer.Events)
	lowered.failures = guest.ListOf(answer.Failures)
	return unsafe.Pointer(&lowered)
}
