package millstreamtest

import (
	"math"
	"reflect"
	"testing"

	"millstream/internal/flat"
	"millstream/stateful"
)

// A Stateful is a transform with state under test. It remembers values and time
// from one run to the next, as a partition does.
type Stateful struct {
	t      testing.TB
	runner *stateful.Runner
	values map[string]value
	clock  clock
	offset int
}

// A value is what is kept under a key.
type value struct {
	bytes   []byte
	expires int64
}

// NewStateful configures a transform with `config`, a JSON object. A refusal fails
// the test; see StatefulRefusal.
func NewStateful(t testing.TB, configure stateful.Configure, config string) *Stateful {
	t.Helper()
	runner, err := stateful.NewRunner(configure, config)
	if err != nil {
		t.Fatalf("the plugin refuses its configuration: %v", err)
	}
	return &Stateful{t: t, runner: runner, values: map[string]value{}, clock: -1}
}

// StatefulRefusal returns why a transform refuses its configuration, or nil.
func StatefulRefusal(configure stateful.Configure, config string) error {
	_, err := stateful.NewRunner(configure, config)
	return err
}

// Value returns the value that is kept under a key now; nil for none.
func (p *Stateful) Value(key string) []byte {
	if kept, ok := p.values[key]; ok && kept.expires > int64(p.clock) {
		return kept.bytes
	}
	return nil
}

// Run runs records one after another. It returns for each its events or its
// failure.
func (p *Stateful) Run(records ...Record) []Outcome {
	p.t.Helper()
	outcomes := make([]Outcome, len(records))
	for i, record := range records {
		outcomes[i] = p.next(record)
	}
	return outcomes
}

// One runs one record. If it fails, the error is a *Failure.
func (p *Stateful) One(record Record) ([]Event, error) {
	p.t.Helper()
	outcome := p.Run(record)[0]
	if outcome.Failure != nil {
		return nil, outcome.Failure
	}
	return outcome.Events, nil
}

// next runs a record alone: one that the host refuses must leave no values. It runs
// twice, because the same values must give the same result.
func (p *Stateful) next(record Record) Outcome {
	p.t.Helper()
	times := []int64{p.clock.at(record)}
	run := func() result { return p.once(record) }
	first := runAt(times, run)
	if again := runAt(times, run); !reflect.DeepEqual(again, first) {
		p.t.Fatalf("the plugin keeps something in itself or depends on the order of a map: record %d gives "+
			"another result the second time: %+v, and before: %+v", p.offset, again, first)
	}
	p.offset++
	for _, written := range first.writes {
		if written.bytes == nil {
			delete(p.values, written.key)
		} else {
			p.values[written.key] = written.value
		}
	}
	return first.outcome
}

// A result is what a record makes and writes.
type result struct {
	outcome Outcome
	writes  []written
}

type written struct {
	key string
	value
}

func (p *Stateful) once(record Record) result {
	batch := batch([]Record{record}, []int{0})
	batch.Records[0].Offset = int64(p.offset)
	defer scramble(batch.Arena)
	named := p.runner.Keys(batch)
	if err := checkKeys(named); err != nil {
		return result{outcome: Outcome{Failure: badOutput(err.Error())}}
	}
	state := p.lower(named)
	defer scramble(state.Arena)
	answer := p.runner.Run(batch, state)
	made := result{outcome: outcomes(answer.Answer, 1)[0]}
	if made.outcome.Failure != nil {
		return made
	}
	if err := checkWrites(answer.Writes); err != nil {
		return result{outcome: Outcome{Failure: badOutput(err.Error())}}
	}
	for _, write := range answer.Writes {
		key := string(state.Entries[write.Entry].Key.Of(state.Arena))
		bytes := clone(write.Value.Of(answer.Arena))
		made.writes = append(made.writes, written{key, value{bytes, write.Expires}})
	}
	return made
}

// lower lays out the values of these keys, each key once.
func (p *Stateful) lower(named *stateful.NamedKeys) *stateful.WireState {
	var arena flat.Arena
	state := &stateful.WireState{Counts: []uint32{uint32(len(named.Keys))}, Clocks: []int64{int64(p.clock)}}
	known := map[string]uint32{}
	for _, each := range named.Keys {
		key := string(each.Key.Of(named.Arena))
		entry, ok := known[key]
		if !ok {
			entry = uint32(len(state.Entries))
			known[key] = entry
			state.Entries = append(state.Entries, p.entry(&arena, key))
		}
		state.Named = append(state.Named, entry)
	}
	state.Arena = arena
	return state
}

func (p *Stateful) entry(arena *flat.Arena, key string) stateful.WireEntry {
	entry := stateful.WireEntry{Key: arena.PushString(key), Value: flat.Absent, Expires: math.MaxInt64}
	if kept, ok := p.values[key]; ok {
		entry.Value, entry.Expires = arena.Push(kept.bytes), kept.expires
	}
	return entry
}
