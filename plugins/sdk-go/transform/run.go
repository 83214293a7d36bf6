package transform

import (
	"encoding/json"
	"errors"
	"fmt"

	"millstream"
	"millstream/internal/flat"
	"millstream/internal/guest"
)

// The contract's numbers of the kinds of addressees.
const (
	client uint32 = iota
	group
	task
)

// A WireEvent is an event of an Answer. For the SDK's own packages.
type WireEvent struct {
	Record                 uint32
	AddressKind            uint32
	Address, Type, Payload flat.Span
}

// A WireFailure is a failure of an Answer. For the SDK's own packages.
type WireFailure struct {
	Record, Class uint32
	Message       flat.Span
}

// An Answer is the answer to a call. For the SDK's own packages.
type Answer struct {
	Arena    flat.Arena
	Events   []WireEvent
	Failures []WireFailure
}

// A Runner runs a plugin over batches. For the SDK's own packages.
type Runner struct {
	plugin Func
	events Events
}

// NewRunner configures a plugin.
func NewRunner(configure Configure, config string) (*Runner, error) {
	if configure == nil {
		return nil, errors.New("main does not call transform.Main")
	}
	plugin, err := configure(millstream.ConfigOf(config))
	if err != nil {
		return nil, err
	}
	if plugin == nil {
		return nil, errors.New("its configuration gives it no function")
	}
	runner := &Runner{plugin: plugin}
	runner.events.json = json.NewEncoder(&runner.events.answer.Arena)
	runner.events.json.SetEscapeHTML(false)
	return runner, nil
}

// Run runs one batch. The answer is valid until the next call.
func (r *Runner) Run(batch *flat.Batch) *Answer {
	events := &r.events
	answer := &events.answer
	answer.reset(batch)
	for index := range batch.Records {
		events.record = uint32(index)
		guest.SetRecord(events.record)
		arena, made := len(answer.Arena), len(answer.Events)
		err := r.plugin(millstream.RecordOf(batch, events.record), events)
		if err != nil {
			answer.Arena, answer.Events = answer.Arena[:arena], answer.Events[:made]
			answer.fail(events.record, err)
		}
	}
	return answer
}

func (a *Answer) reset(batch *flat.Batch) {
	a.Arena.Reset(len(batch.Arena))
	a.Events, a.Failures = a.Events[:0], a.Failures[:0]
}

func (a *Answer) fail(record uint32, err error) {
	failure, ok := err.(*millstream.Failure)
	if !ok && !errors.As(err, &failure) {
		panic(guest.Fault(fmt.Sprintf("the transform returned an error without a class (use "+
			"millstream.Rejected, Malformed, Unaddressable or Transient): %v", err)))
	}
	message := a.Arena.PushString(err.Error())
	a.Failures = append(a.Failures, WireFailure{record, uint32(failure.Class), message})
}
