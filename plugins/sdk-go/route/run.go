package route

import (
	"errors"

	"millstream"
	"millstream/internal/flat"
	"millstream/internal/guest"
)

// group is the contract's number of an address that is a group.
const group = 1

// A WireEvent is an event of a call. For the SDK's own packages.
type WireEvent struct {
	Record, Connected, AddressKind uint32
	Address, Type, Payload         flat.Span
}

// A WireDecision is a decision of an Answer.
type WireDecision struct {
	Stream                   uint32
	Topic, Key               flat.Span
	FirstHeader, HeaderCount uint32
	Refused                  flat.Span
}

// An Answer is the answer to a call. For the SDK's own packages.
type Answer struct {
	Arena     flat.Arena
	Headers   []flat.Header
	Decisions []WireDecision
}

// A Runner runs a plugin over batches. For the SDK's own packages.
type Runner struct {
	Plugin Plugin
	answer Answer
}

// NewRunner configures a plugin.
func NewRunner(configure Configure, config string) (*Runner, error) {
	if configure == nil {
		return nil, errors.New("main does not call route.Main")
	}
	plugin, err := configure(millstream.ConfigOf(config))
	if err != nil {
		return nil, err
	}
	if plugin.Route == nil {
		return nil, errors.New("its configuration gives it no function")
	}
	return &Runner{Plugin: plugin}, nil
}

// Run runs one batch. The answer is valid until the next call.
func (r *Runner) Run(batch *flat.Batch, events []WireEvent) *Answer {
	answer := &r.answer
	answer.Arena.Reset(0)
	answer.Headers, answer.Decisions = answer.Headers[:0], answer.Decisions[:0]
	for i := range events {
		guest.SetRecord(events[i].Record)
		destination, err := r.Plugin.Route(Event{batch, &events[i]})
		if err != nil {
			destination = Destination{}
		}
		decision := answer.write(destination)
		if err != nil {
			decision.Refused = answer.Arena.PushString(err.Error())
		}
		answer.Decisions = append(answer.Decisions, decision)
	}
	return answer
}

func (a *Answer) write(to Destination) WireDecision {
	decision := WireDecision{
		Stream:      wireDeliver(to.Stream),
		Topic:       flat.Absent,
		Key:         flat.Absent,
		FirstHeader: uint32(len(a.Headers)),
		Refused:     flat.Absent,
	}
	if to.Topic == nil {
		return decision
	}
	decision.Topic = a.Arena.PushString(to.Topic.Topic)
	decision.Key = a.Arena.PushOption(to.Topic.Key)
	decision.HeaderCount = uint32(len(to.Topic.Headers))
	a.Headers = millstream.PushHeaders(a.Headers, &a.Arena, to.Topic.Headers)
	return decision
}

// wireDeliver is the contract's number: 0 for No, then in our order. The host
// refuses numbers above.
func wireDeliver(d Deliver) uint32 {
	if d == No {
		return 0
	}
	return uint32(min(d, No)) + 1
}
