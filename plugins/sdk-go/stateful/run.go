package stateful

import (
	"errors"

	"millstream"
	"millstream/internal/flat"
	"millstream/internal/guest"
	"millstream/transform"
)

// A WireKey is a key of NamedKeys. For the SDK's own packages.
type WireKey struct {
	Record uint32
	Key    flat.Span
}

// NamedKeys is the answer to a call of Keys. For the SDK's own packages.
type NamedKeys struct {
	Arena flat.Arena
	Keys  []WireKey
}

// A WireEntry is a key and its value before a call. For the SDK's own packages.
type WireEntry struct {
	Key, Value flat.Span
	Expires    int64
}

// A WireState is what a call brings of the state. For the SDK's own packages.
type WireState struct {
	Arena         []byte
	Entries       []WireEntry
	Named, Counts []uint32
	Clocks        []int64
}

// A WireWrite is a new value of an entry. For the SDK's own packages.
type WireWrite struct {
	Record, Entry uint32
	Value         flat.Span
	Expires       int64
}

// An Answer is the answer to a call. For the SDK's own packages.
type Answer struct {
	*transform.Answer
	Writes []WireWrite
}

// A Runner runs a plugin over batches. For the SDK's own packages.
type Runner struct {
	plugin    Plugin
	keys      Keys
	state     State
	transform *transform.Runner
}

// NewRunner configures a plugin.
func NewRunner(configure Configure, config string) (*Runner, error) {
	if configure == nil {
		return nil, errors.New("main does not call stateful.Main")
	}
	runner := &Runner{state: State{newValues()}}
	var err error
	runner.transform, err = transform.NewRunner(func(config millstream.Config) (transform.Func, error) {
		plugin, err := configure(config)
		if err == nil && plugin == nil {
			err = errors.New("its configuration gives it no plugin")
		}
		runner.plugin = plugin
		return runner.one, err
	}, config)
	if err != nil {
		return nil, err
	}
	return runner, nil
}

// Keys names the keys of one batch. The answer is valid until the next call.
func (r *Runner) Keys(batch *flat.Batch) *NamedKeys {
	answer := &r.keys.answer
	answer.Arena.Reset(0)
	answer.Keys = answer.Keys[:0]
	for index := range batch.Records {
		r.keys.record = uint32(index)
		guest.SetRecord(r.keys.record)
		r.plugin.Keys(millstream.RecordOf(batch, r.keys.record), &r.keys)
	}
	return answer
}

// Run runs one batch. The answer is valid until the next call.
func (r *Runner) Run(batch *flat.Batch, state *WireState) Answer {
	r.state.values.begin(state)
	answer := r.transform.Run(batch)
	return Answer{answer, r.state.values.end(&answer.Arena)}
}

func (r *Runner) one(record millstream.Record, events *Events) error {
	r.state.values.turn(guest.Record)
	err := r.plugin.Transform(record, &r.state, events)
	if err != nil {
		r.state.values.undo()
	}
	return err
}
