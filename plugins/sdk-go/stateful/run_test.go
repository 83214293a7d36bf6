package stateful

import (
	"fmt"
	"reflect"
	"testing"

	"millstream"
	"millstream/internal/flat"
)

// script is a transform whose records name their key, and do what their value says.
type script map[string]func(state *State, key string)

func (s script) Keys(record millstream.Record, keys *Keys) { keys.Add(string(record.Key())) }

func (s script) Transform(record millstream.Record, state *State, events *Events) error {
	key, does := string(record.Key()), string(record.Value())
	if do := s[does]; do != nil {
		do(state, key)
	}
	if does == "fail" {
		return millstream.Rejected("no")
	}
	value, ok := state.Text(key)
	events.Client("a").Text(fmt.Sprint(value, " ", ok))
	return nil
}

var scripted, _ = NewRunner(func(millstream.Config) (Plugin, error) {
	return script{
		"set":    func(s *State, key string) { s.SetText(key, "set") },
		"for":    func(s *State, key string) { s.SetFor(key, []byte("for"), 5e6) },
		"remove": func(s *State, key string) { s.Remove(key) },
		"fail": func(s *State, key string) {
			s.SetText(key, "1")
			s.Remove(key)
			s.SetText(key, "2")
		},
	}, nil
}, "{}")

// run runs records of a key and a value in one call. Each takes a millisecond. The
// keys have the value `old` before.
func run(records ...[2]string) Answer {
	batch := &flat.Batch{}
	arena := flat.Arena{}
	for i, record := range records {
		batch.Records = append(batch.Records, flat.KafkaRecord{
			Offset: int64(i), Key: arena.PushString(record[0]), Value: arena.PushString(record[1]),
		})
	}
	batch.Arena = arena
	named := scripted.Keys(batch)
	before, known := flat.Arena{}, map[string]uint32{}
	state := &WireState{}
	for i, key := range named.Keys {
		name := string(key.Key.Of(named.Arena))
		if _, ok := known[name]; !ok {
			known[name] = uint32(len(known))
			entry := WireEntry{before.PushString(name), before.PushString("old"), never}
			state.Entries = append(state.Entries, entry)
		}
		state.Named = append(state.Named, known[name])
		state.Counts = append(state.Counts, 1)
		state.Clocks = append(state.Clocks, int64(i))
	}
	state.Arena = before
	return scripted.Run(batch, state)
}

func payloads(answer Answer) (payloads []string) {
	for _, event := range answer.Events {
		payloads = append(payloads, string(event.Payload.Of(answer.Arena)))
	}
	return payloads
}

func writes(answer Answer) (writes []string) {
	for _, write := range answer.Writes {
		value := "absent"
		if bytes := write.Value.Of(answer.Arena); bytes != nil {
			value = string(bytes)
		}
		writes = append(writes, fmt.Sprint(write.Record, " ", write.Entry, " ", value, " ", write.Expires == never))
	}
	return writes
}

func TestRecordsSeeWhatThoseBeforeThemWrote(t *testing.T) {
	answer := run([2]string{"a"}, [2]string{"a", "set"}, [2]string{"b"}, [2]string{"a"}, [2]string{"a", "remove"}, [2]string{"a"})
	if got := payloads(answer); !reflect.DeepEqual(got, []string{"old true", "set true", "old true", "set true", " false", " false"}) {
		t.Error(got)
	}
	if got := writes(answer); !reflect.DeepEqual(got, []string{"1 0 set true", "4 0 absent true"}) {
		t.Error(got)
	}
}

func TestWritesOfAFailedRecordAreTakenBack(t *testing.T) {
	answer := run([2]string{"a", "fail"}, [2]string{"a"}, [2]string{"a", "set"}, [2]string{"a", "fail"}, [2]string{"a"})
	if got := payloads(answer); !reflect.DeepEqual(got, []string{"old true", "set true", "set true"}) {
		t.Error(got)
	}
	if got := writes(answer); !reflect.DeepEqual(got, []string{"2 0 set true"}) || len(answer.Failures) != 2 {
		t.Error(got)
	}
}

func TestAValueExpiresWithinACall(t *testing.T) {
	answer := run([2]string{"a", "for"}, [2]string{"b"}, [2]string{"b"}, [2]string{"b"}, [2]string{"a"}, [2]string{"a"})
	if got := payloads(answer); !reflect.DeepEqual(got[4:], []string{"for true", " false"}) {
		t.Error(got)
	}
	if got := answer.Writes[0].Expires; got != 5 {
		t.Error(got)
	}
}
