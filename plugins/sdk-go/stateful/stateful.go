// Package stateful is for transforms that keep values under keys: counts, the last
// value, what was seen already.
//
//	func main() { stateful.Main(configure) }
//
//	func configure(config millstream.Config) (stateful.Plugin, error) {
//		return count{}, config.None()
//	}
//
//	// count tells a client how many orders it has made.
//	type count struct{}
//
//	func (count) Keys(record millstream.Record, keys *stateful.Keys) {
//		if key := record.Key(); key != nil {
//			keys.Add(string(key))
//		}
//	}
//
//	func (count) Transform(record millstream.Record, state *stateful.State, events *stateful.Events) error {
//		if record.Key() == nil {
//			return millstream.Unaddressable("the record has no key")
//		}
//		customer := string(record.Key())
//		var orders uint64
//		if _, err := state.JSON(customer, &orders); err != nil {
//			return err
//		}
//		orders++
//		if err := state.SetJSON(customer, orders); err != nil {
//			return err
//		}
//		return events.Client(customer).Type("orders").JSON(orders)
//	}
//
// Such a plugin needs the capability `keyvalue`: without
// `capabilities = ["keyvalue"]` in its table of the daemon's configuration it does
// not go live.
//
// Values are kept in the pipeline's store under keys of one partition, and stored
// in the same transaction as the events of the batch: whatever crashes, it is as
// if each record had been processed once. So all records that share a key must be
// in one partition, as Kafka's producers do for records with the same key.
package stateful

import (
	"millstream"
	"millstream/transform"
)

// A Plugin makes events of records and of what it kept of earlier ones. As for
// every transform, what it keeps in itself would change the result: batches are
// cut differently after a crash.
type Plugin interface {
	// Keys names every key that the record may read or write. The daemon calls it
	// for a whole batch before any value is known, and reads all values at once. A
	// record that can't be read names none.
	Keys(record millstream.Record, keys *Keys)

	// Transform adds the events of one record to `events`, and reads and writes its
	// keys in `state`. Records after it see what it wrote. For an error, see
	// transform.Func: then none of its events and none of its values is stored.
	Transform(record millstream.Record, state *State, events *Events) error
}

// Events collects the events of the current record.
type Events = transform.Events

// A Configure makes the Plugin from the plugin's configuration table. If it
// returns an error, a message for people, the plugin does not go live.
type Configure func(config millstream.Config) (Plugin, error)

// Main makes the program a transform that keeps values. Call it once, in main.
func Main(configure Configure) { configured = configure }

var configured Configure

// Keys collects the keys of the current record.
type Keys struct {
	record uint32
	answer NamedKeys
}

// Add names a key: 1 to 256 bytes, at most 100 for one record. (A key that breaks
// these rules fails the record as `bad-output`.) A string may hold any bytes, such
// as string(record.Key()).
func (k *Keys) Add(key string) {
	span := k.answer.Arena.PushString(key)
	k.answer.Keys = append(k.answer.Keys, WireKey{k.record, span})
}
