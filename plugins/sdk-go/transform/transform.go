// Package transform is for plugins that make events of records.
//
//	func main() { transform.Main(configure) }
//
//	func configure(config millstream.Config) (transform.Func, error) {
//		return order, config.None()
//	}
//
//	func order(record millstream.Record, events *transform.Events) error {
//		var order struct{ Customer string }
//		if err := record.JSON(&order); err != nil {
//			return err
//		}
//		if order.Customer == "" {
//			return millstream.Unaddressable("the order has no customer")
//		}
//		return events.Client(order.Customer).Type("order").JSON(order)
//	}
package transform

import (
	"encoding/json"
	"strings"

	"millstream"
	"millstream/internal/flat"
)

// A Func adds the events of one record to `events`. Adding none filters the
// record out. If it returns a millstream.Failure, or an error that wraps one, the
// record fails with that class and none of its events is stored. Any other error
// is a fault of the plugin, as a panic is.
//
// It must answer the same for the same record, whatever came before: batches are
// cut differently after a crash, so state kept between records would change the
// result. To keep values, use millstream/stateful.
type Func func(record millstream.Record, events *Events) error

// A Configure makes the Func from the plugin's configuration table. If it returns
// an error, a message for people, the plugin does not go live.
type Configure func(config millstream.Config) (Func, error)

// Main makes the program a transform. Call it once, in main.
func Main(configure Configure) { configured = configure }

var configured Configure

// Events collects the events of the current record.
type Events struct {
	record uint32
	answer Answer
	json   *json.Encoder
}

// Client starts an event for one client: 1 to 256 bytes, no control characters.
// (An invalid id fails the record as `bad-output`.)
func (e *Events) Client(id string) NewEvent { return e.begin(client, id) }

// Group starts an event for a group. It is stored once, and every client that
// follows the group receives it. A name has the same rules as an id.
func (e *Events) Group(name string) NewEvent { return e.begin(group, name) }

// Task starts an event for the client that owns a task. The host looks it up;
// without an owner the record fails as `unaddressable`. If the payload is JSON
// with a `status`, it becomes the task's status.
func (e *Events) Task(id string) NewEvent { return e.begin(task, id) }

func (e *Events) begin(kind uint32, name string) NewEvent {
	address := e.answer.Arena.PushString(name)
	return NewEvent{e, WireEvent{Record: e.record, AddressKind: kind, Address: address}}
}

// A NewEvent is an event that still needs its payload. Without one it does not
// exist: call JSON, Text or Bytes.
type NewEvent struct {
	events *Events
	event  WireEvent
}

// Type sets the event's type, which the browser listens for. Without one it
// receives `message`.
func (n NewEvent) Type(name string) NewEvent {
	n.event.Type = n.events.answer.Arena.PushString(name)
	return n
}

// JSON finishes the event with `payload` as JSON. It fails as rejected if that
// can't be written as JSON. The keys of maps are sorted.
func (n NewEvent) JSON(payload any) error {
	arena := &n.events.answer.Arena
	start := len(*arena)
	if err := n.events.json.Encode(payload); err != nil {
		*arena = (*arena)[:start]
		why := strings.TrimPrefix(err.Error(), "json: ")
		return millstream.Rejected("the payload can't be written as JSON: " + why)
	}
	// The encoder ends with a line feed.
	*arena = (*arena)[:len(*arena)-1]
	n.end(flat.Span{Start: uint32(start), Length: uint32(len(*arena) - start)})
	return nil
}

// Text finishes the event with a text payload.
func (n NewEvent) Text(payload string) { n.end(n.events.answer.Arena.PushString(payload)) }

// Bytes finishes the event with bytes that must be UTF-8, such as the record's
// value. The host checks them, so that it isn't done twice.
func (n NewEvent) Bytes(payload []byte) { n.end(n.events.answer.Arena.Push(payload)) }

func (n NewEvent) end(payload flat.Span) {
	n.event.Payload = payload
	n.events.answer.Events = append(n.events.answer.Events, n.event)
}
