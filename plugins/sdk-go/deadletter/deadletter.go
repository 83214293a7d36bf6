// Package deadletter is for plugins that decide what happens to failed records.
//
//	func main() { deadletter.Main(configure) }
//
//	func configure(config millstream.Config) (deadletter.Func, error) {
//		return decide, config.None()
//	}
//
//	func decide(failed deadletter.Failed) deadletter.Decision {
//		if failed.Class() == "rejected" {
//			return deadletter.Drop()
//		}
//		return deadletter.ToTopic(deadletter.Letter{})
//	}
package deadletter

import (
	"time"

	"millstream"
	"millstream/internal/flat"
)

// A Func decides what happens to one failed record.
type Func func(failed Failed) Decision

// A Configure makes the Func from the plugin's configuration table. If it returns
// an error, a message for people, the plugin does not go live.
type Configure func(config millstream.Config) (Func, error)

// Main makes the program a dead-letter policy. Call it once, in main.
func Main(configure Configure) { configured = configure }

var configured Configure

// Failed is a record that failed, and why.
type Failed struct {
	batch   *flat.Batch
	failure *WireFailure
}

// Record returns the record, with all its bytes.
func (f Failed) Record() millstream.Record {
	return millstream.RecordOf(f.batch, f.failure.Record)
}

// Attempts returns how many times it was tried, this failure included: 1 for the
// first.
func (f Failed) Attempts() uint32 { return f.failure.Attempts }

// Stage returns where it failed: `ingest`, `transform`, `address`, `route` or
// `store`.
func (f Failed) Stage() string { return f.text(f.failure.Stage) }

// Class returns the failure class, such as `malformed`, `transient` or `trap`.
func (f Failed) Class() string { return f.text(f.failure.Class) }

// Message returns the message for people.
func (f Failed) Message() string { return f.text(f.failure.Message) }

// Plugin returns the plugin that failed; empty if no plugin is to blame.
func (f Failed) Plugin() string { return f.text(f.failure.Plugin) }

// Digest returns that plugin's digest, or nothing.
func (f Failed) Digest() string { return f.text(f.failure.Digest) }

func (f Failed) text(span flat.Span) string { return string(span.Of(f.batch.Arena)) }

// An Action is what is done with a failed record.
type Action uint32

const (
	// ActionToTopic: it goes to a Kafka topic.
	ActionToTopic Action = iota
	// ActionRetry: it is retried after a delay.
	ActionRetry
	// ActionDrop: it is dropped and counted.
	ActionDrop
	// ActionHalt: the partition halts.
	ActionHalt
	// ActionReroute: it goes unchanged to another topic.
	ActionReroute
)

// String returns the name, as in fixtures.
func (a Action) String() string {
	return [...]string{"to-topic", "retry", "drop", "halt", "reroute"}[a]
}

// A Decision is what happens to a failed record. ToTopic, Retry, Drop, Halt and
// Reroute make one.
type Decision struct {
	// Action is what is done.
	Action Action
	// Delay is the delay of a Retry.
	Delay time.Duration
	// Letter is the letter of ToTopic; its topic and headers are Reroute's.
	Letter Letter
}

// A Letter is a dead letter. It keeps the record's key and headers, and the host
// adds `millstream.error.*`.
type Letter struct {
	// Topic is the topic; empty for the pipeline's default, `<topic>-dlq`.
	Topic string
	// Value is the value; without one, the record's.
	Value *Value
	// Headers are headers to add.
	Headers []millstream.Header
}

// A Value is another value than the record's; nil Bytes for none, a tombstone.
type Value struct{ Bytes []byte }

// ToTopic sends the record to a Kafka topic.
func ToTopic(letter Letter) Decision { return Decision{Action: ActionToTopic, Letter: letter} }

// Retry tries the record again after a delay, of whole milliseconds. Its
// partition waits, so that order is kept. The pipeline limits the number and the
// duration.
func Retry(delay time.Duration) Decision { return Decision{Action: ActionRetry, Delay: delay} }

// Drop drops the record, which is counted.
func Drop() Decision { return Decision{Action: ActionDrop} }

// Halt halts the partition.
func Halt() Decision { return Decision{Action: ActionHalt} }

// Reroute sends the record to another topic, unchanged but for added headers, for
// another pipeline or program. The host adds `millstream.source` and no
// `millstream.error.*`.
func Reroute(topic string, headers ...millstream.Header) Decision {
	return Decision{Action: ActionReroute, Letter: Letter{Topic: topic, Headers: headers}}
}
