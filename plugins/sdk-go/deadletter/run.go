package deadletter

import (
	"errors"
	"math"

	"millstream"
	"millstream/internal/flat"
	"millstream/internal/guest"
)

// A WireFailure is a failure of a call. For the SDK's own packages.
type WireFailure struct {
	Record, Attempts                      uint32
	Stage, Class, Message, Plugin, Digest flat.Span
}

// A WireDecision is a decision of an Answer.
type WireDecision struct {
	Action, DelayMillis      uint32
	Topic                    flat.Span
	ValueFrom                uint32
	Value                    flat.Span
	FirstHeader, HeaderCount uint32
}

// An Answer is the answer to a call. For the SDK's own packages.
type Answer struct {
	Arena     flat.Arena
	Headers   []flat.Header
	Decisions []WireDecision
}

// A Runner runs a plugin over batches. For the SDK's own packages.
type Runner struct {
	plugin Func
	answer Answer
}

// NewRunner configures a plugin.
func NewRunner(configure Configure, config string) (*Runner, error) {
	if configure == nil {
		return nil, errors.New("main does not call deadletter.Main")
	}
	plugin, err := configure(millstream.ConfigOf(config))
	if err != nil {
		return nil, err
	}
	if plugin == nil {
		return nil, errors.New("its configuration gives it no function")
	}
	return &Runner{plugin: plugin}, nil
}

// Run runs one batch. The answer is valid until the next call.
func (r *Runner) Run(batch *flat.Batch, failures []WireFailure) *Answer {
	answer := &r.answer
	answer.Arena.Reset(0)
	answer.Headers, answer.Decisions = answer.Headers[:0], answer.Decisions[:0]
	for i := range failures {
		guest.SetRecord(failures[i].Record)
		decision := r.plugin(Failed{batch, &failures[i]})
		answer.Decisions = append(answer.Decisions, answer.write(decision))
	}
	return answer
}

func (a *Answer) write(decision Decision) WireDecision {
	wire := WireDecision{
		Action:      uint32(decision.Action),
		Topic:       flat.Absent,
		Value:       flat.Absent,
		FirstHeader: uint32(len(a.Headers)),
	}
	switch decision.Action {
	case ActionRetry:
		wire.DelayMillis = uint32(min(max(decision.Delay.Milliseconds(), 0), math.MaxUint32))
	case ActionToTopic, ActionReroute:
		a.writeLetter(&wire, decision)
	}
	return wire
}

func (a *Answer) writeLetter(wire *WireDecision, decision Decision) {
	letter := decision.Letter
	if letter.Topic != "" || decision.Action == ActionReroute {
		wire.Topic = a.Arena.PushString(letter.Topic)
	}
	if letter.Value != nil && decision.Action == ActionToTopic {
		wire.ValueFrom = 1
		wire.Value = a.Arena.PushOption(letter.Value.Bytes)
	}
	wire.HeaderCount = uint32(len(letter.Headers))
	a.Headers = millstream.PushHeaders(a.Headers, &a.Arena, letter.Headers)
}
