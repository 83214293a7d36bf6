// Package route is for plugins that decide where events go.
//
//	func main() { route.Main(configure) }
//
//	func configure(config millstream.Config) (route.Plugin, error) {
//		return route.Plugin{Route: live}, config.None()
//	}
//
//	func live(event route.Event) (route.Destination, error) {
//		if event.Type() == "typing" {
//			return route.Destination{Stream: route.WhileConnected}, nil
//		}
//		return route.Destination{Stream: route.Always}, nil
//	}
package route

import (
	"millstream"
	"millstream/internal/flat"
)

// A Plugin decides where events go. As for a transform, the same event must give
// the same answer.
type Plugin struct {
	// Needs is what it needs to know beside address and type.
	Needs Needs
	// Route decides where one event goes. If it returns an error, a message for
	// people, the event's whole record fails as `unroutable`.
	Route func(event Event) (Destination, error)
}

// A Configure makes the Plugin from the plugin's configuration table. If it
// returns an error, a message for people, the plugin does not go live.
type Configure func(config millstream.Config) (Plugin, error)

// Main makes the program a route. Call it once, in main.
func Main(configure Configure) { configured = configure }

var configured Configure

// Needs is what a route needs to know of each event beside its address and type.
type Needs struct {
	// Connected: whether the client is connected (a group always counts as
	// connected). Costs one look-up per batch in the store.
	Connected bool
	// Payload: the payload.
	Payload bool
	// Record: the record's key and headers.
	Record bool
}

// Deliver is whether an event goes to the stream of its client or group.
type Deliver uint32

const (
	// AsConfigured: as the pipeline's `deliver` says.
	AsConfigured Deliver = iota
	// Always: even while the client is away.
	Always
	// WhileConnected: only while the client is connected; a group's event always.
	WhileConnected
	// No: not to the stream.
	No
)

// String returns the name, as in fixtures.
func (d Deliver) String() string {
	return [...]string{"as-configured", "always", "while-connected", "no"}[d]
}

// A Destination is where an event goes: to the stream of its client or group, to
// a topic, to both, or (with No and no topic) nowhere.
type Destination struct {
	// Stream is the delivery to the stream.
	Stream Deliver
	// Topic is the Kafka topic, if any.
	Topic *ToTopic
}

// ToTopic is a Kafka topic that receives the event's payload.
type ToTopic struct {
	// Topic is the topic's name. The pipeline must allow it.
	Topic string
	// Key is the key of the record; nil for none.
	Key []byte
	// Headers are headers of the record, beside the host's `millstream.*`.
	Headers []millstream.Header
}

// An Event is an event to route. What it returns is valid as for a Record.
type Event struct {
	batch *flat.Batch
	event *WireEvent
}

// Client returns the client's id, and false for a group's event.
func (e Event) Client() (id string, ok bool) {
	if e.event.AddressKind == group {
		return "", false
	}
	return e.Name(), true
}

// Group returns the group's name, and false for a client's event.
func (e Event) Group() (name string, ok bool) {
	if e.event.AddressKind != group {
		return "", false
	}
	return e.Name(), true
}

// Name returns the client's id, or the group's name.
func (e Event) Name() string { return string(e.event.Address.Of(e.batch.Arena)) }

// Type returns the event's type; may be empty.
func (e Event) Type() string { return string(e.event.Type.Of(e.batch.Arena)) }

// Connected reports whether the client is connected now; always true for a
// group's event; false without Needs.Connected.
func (e Event) Connected() bool { return e.event.Connected != 0 }

// Payload returns the payload; nil without Needs.Payload.
func (e Event) Payload() []byte { return e.event.Payload.Of(e.batch.Arena) }

// Record returns the record that it was made of: topic, partition, offset and
// timestamp; key and headers only with Needs.Record, never the value.
func (e Event) Record() millstream.Record { return millstream.RecordOf(e.batch, e.event.Record) }
