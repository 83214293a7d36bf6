package millstreamtest

import (
	"testing"

	"millstream"
	"millstream/internal/flat"
	"millstream/route"
)

// A RouteEvent is an event to route in a test.
type RouteEvent struct {
	group           bool
	name            string
	kind, payload   string
	clientConnected bool
	record          Record
}

// ForClient is an event for a client that is away.
func ForClient(id, kind, payload string) RouteEvent {
	return RouteEvent{name: id, kind: kind, payload: payload, record: Tombstone()}
}

// ForGroup is an event for a group.
func ForGroup(name, kind, payload string) RouteEvent {
	event := ForClient(name, kind, payload).Connected()
	event.group = true
	return event
}

// Connected marks its client as connected.
func (e RouteEvent) Connected() RouteEvent {
	e.clientConnected = true
	return e
}

// Of sets the record that it was made of.
func (e RouteEvent) Of(record Record) RouteEvent {
	e.record = record
	return e
}

// A Destination is where an event was sent, or the failure of its record.
type Destination struct {
	// Stream is the delivery to the stream.
	Stream route.Deliver
	// Topic is the Kafka topic, or empty.
	Topic string
	// Key is the key there; nil for none.
	Key []byte
	// Headers are the headers there.
	Headers []millstream.Header
	// Failure is `unroutable` if the plugin refused the event, or `bad-output`.
	Failure *Failure
}

// A Route is a route under test.
type Route struct {
	t      testing.TB
	runner *route.Runner
	clock  clock
}

// NewRoute configures a route with `config`, a JSON object. A refusal fails the
// test; see RouteRefusal.
func NewRoute(t testing.TB, configure route.Configure, config string) *Route {
	t.Helper()
	runner, err := route.NewRunner(configure, config)
	if err != nil {
		t.Fatalf("the plugin refuses its configuration: %v", err)
	}
	return &Route{t, runner, -1}
}

// RouteRefusal returns why a route refuses its configuration, or nil.
func RouteRefusal(configure route.Configure, config string) error {
	_, err := route.NewRunner(configure, config)
	return err
}

// Run routes each event. As in the host, what the plugin does not need is absent.
func (p *Route) Run(events ...RouteEvent) []Destination {
	p.t.Helper()
	times := make([]int64, len(events))
	for i, event := range events {
		times[i] = p.clock.at(event.record)
	}
	return repeatedly(p.t, times, func(indices []int) []Destination {
		batch, lowered := p.lower(events, indices)
		answer := p.runner.Run(batch, lowered)
		destinations := make([]Destination, len(answer.Decisions))
		for i, decision := range answer.Decisions {
			destinations[i] = destination(answer, decision)
		}
		scramble(batch.Arena)
		return destinations
	})
}

func (p *Route) lower(events []RouteEvent, indices []int) (*flat.Batch, []route.WireEvent) {
	needs := p.runner.Plugin.Needs
	records := make([]Record, len(events))
	for i, event := range events {
		records[i] = Tombstone().Timestamp(event.record.timestamp)
		if needs.Record {
			records[i] = event.record
			records[i].value = nil
		}
	}
	batch := batch(records, indices)
	arena := flat.Arena(batch.Arena)
	lowered := make([]route.WireEvent, len(indices))
	for i, index := range indices {
		event := &events[index]
		lowered[i] = route.WireEvent{
			Record:      uint32(i),
			Connected:   number(needs.Connected && event.clientConnected),
			AddressKind: number(event.group),
			Address:     arena.PushString(event.name),
			Type:        arena.PushString(event.kind),
			Payload:     flat.Absent,
		}
		if needs.Payload {
			lowered[i].Payload = arena.PushString(event.payload)
		}
	}
	batch.Arena = arena
	return batch, lowered
}

func destination(answer *route.Answer, decision route.WireDecision) Destination {
	if !decision.Refused.IsAbsent() {
		return Destination{Failure: &Failure{"unroutable", message(answer.Arena, decision.Refused)}}
	}
	// The order of route.Deliver begins with 1 in the contract.
	numbers := [...]route.Deliver{route.No, route.AsConfigured, route.Always, route.WhileConnected}
	to := Destination{Failure: badOutput("the delivery mode is unknown to this version")}
	if int(decision.Stream) >= len(numbers) {
		return to
	}
	to = Destination{Stream: numbers[decision.Stream]}
	if decision.Topic.IsAbsent() {
		return to
	}
	topic := decision.Topic.Of(answer.Arena)
	headers, err := checkHeaders(answer.Arena, answer.Headers, decision.FirstHeader, decision.HeaderCount)
	if wrong := checkTopic(topic); wrong != nil {
		err = wrong
	}
	if err != nil {
		return Destination{Failure: badOutput(err.Error())}
	}
	to.Topic, to.Key, to.Headers = string(topic), clone(decision.Key.Of(answer.Arena)), headers
	return to
}

func badOutput(message string) *Failure { return &Failure{"bad-output", message} }

func number(set bool) uint32 {
	if set {
		return 1
	}
	return 0
}
