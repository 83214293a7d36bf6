package route

import (
	"unsafe"

	"millstream/internal/guest"
)

var runner *Runner

//go:wasmexport millstream:plugin/route@0.1.0#configure
func exportConfigure(json unsafe.Pointer, length uint32) unsafe.Pointer {
	result := guest.Configure(json, length, func(config string) (err error) {
		runner, err = NewRunner(configured, config)
		return err
	})
	if runner != nil {
		result.Flags(runner.Plugin.Needs.flags())
	}
	return result.Pointer()
}

func (n Needs) flags() (flags uint32) {
	for i, need := range [...]bool{n.Connected, n.Payload, n.Record} {
		if need {
			flags |= 1 << i
		}
	}
	return flags
}

// lowered is the answer as it crosses the boundary.
var lowered struct{ arena, headers, decisions guest.List }

//go:wasmexport millstream:plugin/route@0.1.0#run
func exportRun(
	arena unsafe.Pointer, arenaLength, topicStart, topicLength uint32, partition int32,
	records unsafe.Pointer, recordCount uint32, headers unsafe.Pointer, headerCount uint32,
	events unsafe.Pointer, eventCount uint32,
) unsafe.Pointer {
	defer guest.Report()
	guest.MustBe(runner != nil)
	batch := guest.Batch(arena, arenaLength, topicStart, topicLength, partition,
		records, recordCount, headers, headerCount)
	answer := runner.Run(batch, guest.Lift[WireEvent](events, eventCount))
	guest.Done()
	lowered.arena = guest.ListOf(answer.Arena)
	lowered.headers = guest.ListOf(answer.Headers)
	lowered.decisions = guest.ListOf(answer.Decisions)
	return unsafe.Pointer(&lowered)
}
