package millstreamtest_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"millstream"
	. "millstream/millstreamtest"
	"millstream/stateful"
)

// plugin is a transform with state made of two functions.
type plugin struct {
	keys      func(millstream.Record, *stateful.Keys)
	transform func(millstream.Record, *stateful.State, *stateful.Events) error
}

func (p plugin) Keys(record millstream.Record, keys *stateful.Keys) { p.keys(record, keys) }

func (p plugin) Transform(record millstream.Record, state *stateful.State, events *stateful.Events) error {
	return p.transform(record, state, events)
}

// naming is a transform whose records name these keys.
func naming(transform func(millstream.Record, *stateful.State, *stateful.Events) error, names ...string) stateful.Configure {
	return func(config millstream.Config) (stateful.Plugin, error) {
		keys := func(_ millstream.Record, keys *stateful.Keys) {
			for _, name := range names {
				keys.Add(name)
			}
		}
		return plugin{keys, transform}, config.None()
	}
}

// scripted makes each record do what `does` says of its value.
func scripted(does map[string]func(*stateful.State) error) stateful.Configure {
	return naming(func(record millstream.Record, state *stateful.State, events *stateful.Events) error {
		text, err := record.Text()
		if err != nil {
			return err
		}
		if do := does[text]; do != nil {
			if err := do(state); err != nil {
				return err
			}
		}
		kept, ok := state.Text("k")
		now, timed := state.Now()
		events.Client("a").Text(fmt.Sprint(kept, ok, now, timed, record.Offset()))
		return nil
	}, "k", "other", "k")
}

func TestValuesAndTimeAreKeptFromOneRunToTheNext(t *testing.T) {
	test := NewStateful(t, scripted(map[string]func(*stateful.State) error{
		"set":    func(s *stateful.State) error { s.Set("k", []byte("1")); return nil },
		"text":   func(s *stateful.State) error { s.SetText("k", "2"); return nil },
		"nil":    func(s *stateful.State) error { s.Set("k", nil); return nil },
		"remove": func(s *stateful.State) error { s.Remove("k"); return nil },
		"for":    func(s *stateful.State) error { s.SetFor("k", []byte("3"), 5*time.Millisecond); return nil },
		"long":   func(s *stateful.State) error { s.SetFor("k", []byte("4"), math.MaxInt64); return nil },
		"gone":   func(s *stateful.State) error { s.SetFor("k", []byte("5"), -time.Second); return nil },
	}), "{}")
	for _, each := range []struct {
		record           Record
		expected, remain string
	}{
		{Value("read"), "false-1false0", ""},
		{Value("set"), "1true-1false1", "1"},
		{Value("read").Timestamp(10), "1true10true2", "1"},
		{Value("text").Timestamp(5), "2true10true3", "2"},
		{Value("nil"), "true10true4", ""},
		{Value("remove"), "false10true5", ""},
		{Value("for"), "3true10true6", "3"},
		{Value("read").Timestamp(14), "3true14true7", "3"},
		{Value("read").Timestamp(15), "false15true8", ""},
		{Value("long"), "4true15true9", "4"},
		{Value("gone"), "false15true10", ""},
	} {
		events, err := test.One(each.record)
		// fmt.Sprint adds spaces between numbers and flags.
		if err != nil || strings.ReplaceAll(events[0].Payload, " ", "") != each.expected {
			t.Errorf("%v %v, not %s", events, err, each.expected)
		}
		if got := string(test.Value("k")); got != each.remain {
			t.Errorf("%q is kept, not %q", got, each.remain)
		}
	}
}

func TestAFailedRecordHasWrittenNothing(t *testing.T) {
	test := NewStateful(t, scripted(map[string]func(*stateful.State) error{
		"set": func(s *stateful.State) error { s.SetText("k", "1"); return nil },
		"fail": func(s *stateful.State) error {
			s.SetText("k", "2")
			s.Remove("other")
			return millstream.Rejected("no")
		},
		"large": func(s *stateful.State) error { s.Set("k", make([]byte, 64<<10+1)); return nil },
		"most":  func(s *stateful.State) error { s.Set("other", make([]byte, 64<<10)); return nil },
	}), "{}")
	outcomes := test.Run(Value("set"), Value("fail"), Value("large"), Value("most"), Value("read"))
	for i, expected := range []string{"", "rejected: no", "bad-output: the plugin wrote a value of 65537 bytes; the limit is 65536", "", ""} {
		if got := outcomes[i].Failure; (got == nil) != (expected == "") || got != nil && got.Error() != expected {
			t.Errorf("%v, not %s", got, expected)
		}
	}
	if string(test.Value("k")) != "1" || len(test.Value("other")) != 64<<10 || test.Value("none") != nil {
		t.Error(test)
	}
}

func TestKeysAreCheckedAsInTheHost(t *testing.T) {
	none := func(millstream.Record, *stateful.State, *stateful.Events) error { return nil }
	for expected, names := range map[string][]string{
		"":                                      keysOf(100),
		"a record names more than 100 keys":     keysOf(101),
		"a key is empty":                        {"a", ""},
		"a key has 257 bytes; the limit is 256": {strings.Repeat("x", 257)},
	} {
		_, err := NewStateful(t, naming(none, names...), "{}").One(Value("x"))
		if expected == "" && err != nil || expected != "" && (err == nil || err.Error() != "bad-output: "+expected) {
			t.Errorf("%v, not %s", err, expected)
		}
	}
}

func keysOf(count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = strings.Repeat("k", i+1)
	}
	return names
}

func TestAKeyThatWasNotNamedIsAFaultOfThePlugin(t *testing.T) {
	for name, use := range map[string]func(*stateful.State){
		"Get":     func(s *stateful.State) { s.Get("other\xff") },
		"Text":    func(s *stateful.State) { s.Text("other\xff") },
		"JSON":    func(s *stateful.State) { _, _ = s.JSON("other\xff", nil) },
		"Set":     func(s *stateful.State) { s.Set("other\xff", nil) },
		"SetText": func(s *stateful.State) { s.SetText("other\xff", "") },
		"SetJSON": func(s *stateful.State) { _ = s.SetJSON("other\xff", nil) },
		"SetFor":  func(s *stateful.State) { s.SetFor("other\xff", nil, 0) },
		"Remove":  func(s *stateful.State) { s.Remove("other\xff") },
	} {
		test := NewStateful(t, naming(func(_ millstream.Record, state *stateful.State, _ *stateful.Events) error {
			use(state)
			return nil
		}, "k"), "{}")
		func() {
			defer func() {
				const expected = "the key `other\uFFFD` was not named: `Keys` must name every key that `Transform` uses"
				if got := recover(); got != expected {
					t.Errorf("%s: %v", name, got)
				}
			}()
			test.Run(Value("x"))
		}()
	}
}

func TestJSONIsKept(t *testing.T) {
	type kept struct{ Count int }
	test := NewStateful(t, naming(func(record millstream.Record, state *stateful.State, events *stateful.Events) error {
		var before kept
		ok, err := state.JSON("k", &before)
		if err != nil {
			return err
		}
		switch string(record.Value()) {
		case "break":
			state.SetText("k", "{")
		case "function":
			return state.SetJSON("k", func() {})
		default:
			if err := state.SetJSON("k", kept{before.Count + 1}); err != nil {
				return err
			}
		}
		events.Client("a").Text(fmt.Sprint(before.Count, ok))
		return nil
	}, "k"), "{}")
	for _, each := range [][2]string{
		{"x", "0 false"},
		{"x", "1 true"},
		{"function", "rejected: the value can't be written as JSON: unsupported type: func()"},
		{"break", "2 true"},
		{"x", "rejected: the kept value is not the expected JSON: unexpected end of JSON input, at byte 1"},
	} {
		events, err := test.One(Value(each[0]))
		got := fmt.Sprint(err)
		if err == nil {
			got = events[0].Payload
		}
		if got != each[1] {
			t.Errorf("%s, not %s", got, each[1])
		}
	}
	if got := string(test.Value("k")); got != "{" {
		t.Error(got)
	}
}

func TestSomethingKeptOutsideOfTheStateFailsTheTest(t *testing.T) {
	count := 0
	watched := &fatal{TB: t}
	test := NewStateful(watched, naming(func(_ millstream.Record, state *stateful.State, _ *stateful.Events) error {
		count++
		return state.SetJSON("k", count)
	}, "k"), "{}")
	func() {
		defer func() { _ = recover() }()
		test.Run(Value("x"))
	}()
	if !strings.Contains(watched.message, "the plugin keeps something in itself or depends on the order of a map") {
		t.Error(watched.message)
	}
}

func TestAStatefulTransformMayRefuseItsConfiguration(t *testing.T) {
	configure := naming(nil)
	if err := StatefulRefusal(configure, `{"x":1}`); err == nil {
		t.Error("an unknown key is accepted")
	}
	if err := StatefulRefusal(configure, `{}`); err != nil {
		t.Error(err)
	}
	nothing := func(millstream.Config) (stateful.Plugin, error) { return nil, nil }
	if err := StatefulRefusal(nothing, "{}"); err == nil || err.Error() != "its configuration gives it no plugin" {
		t.Error(err)
	}
	if err := StatefulRefusal(nil, "{}"); err == nil || !reflect.DeepEqual(err.Error(), "main does not call stateful.Main") {
		t.Error(err)
	}
}
