package millstreamtest_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"millstream"
	. "millstream/millstreamtest"
	"millstream/transform"
)

// always makes a transform without configuration.
func always(plugin transform.Func) transform.Configure {
	return func(config millstream.Config) (transform.Func, error) { return plugin, config.None() }
}

func TestEventsForClientsGroupsAndTasksAreDistinguished(t *testing.T) {
	plugin := NewTransform(t, always(func(_ millstream.Record, events *transform.Events) error {
		events.Client("a").Type("own").Text("1")
		events.Group("a").Text("2")
		events.Task("a").Bytes([]byte("2"))
		return events.Group("b").Type("all").JSON(map[string]any{"b": "<", "a": 3.5})
	}), "{}")
	made, err := plugin.One(Value("x"))
	expected := []Event{
		{Client: "a", Type: "own", Payload: "1"},
		{Group: "a", Payload: "2"},
		{Task: "a", Payload: "2"},
		{Group: "b", Type: "all", Payload: `{"a":3.5,"b":"<"}`},
	}
	if err != nil || !reflect.DeepEqual(made, expected) {
		t.Fatal(made, err)
	}
}

func TestARecordHasAllItsParts(t *testing.T) {
	plugin := NewTransform(t, always(func(record millstream.Record, events *transform.Events) error {
		millis, ok := record.Timestamp()
		text, _ := record.Text()
		events.Client("a").Text(fmt.Sprintln(record.Topic(), record.Partition(), record.Offset(), millis, ok,
			string(record.Key()), text, record.Value() == nil, string(record.Header("h")),
			record.Header("none") == nil, record.Header("absent") == nil, len(record.Headers())))
		return nil
	}), "{}")
	full := Value("v").Key("k").Timestamp(5).Header("h", []byte("1")).Header("h", []byte("2")).Header("absent", nil)
	for i, expected := range []string{
		"topic 0 0 5 true k v false 2 true true 3",
		"topic 0 1 -1 false   true  true true 0",
	} {
		outcome := plugin.Run(full, Tombstone())[i]
		if got := strings.TrimSpace(outcome.Events[0].Payload); got != expected {
			t.Errorf("%q", got)
		}
	}
}

func TestAFailedRecordHasNoEvents(t *testing.T) {
	plugin := NewTransform(t, always(func(record millstream.Record, events *transform.Events) error {
		events.Client("a").Text("1")
		switch text, err := record.Text(); text {
		case "wrapped":
			return fmt.Errorf("outer: %w", millstream.Transient("inner"))
		case "function":
			return events.Client("a").JSON(func() {})
		default:
			return err
		}
	}), "{}")
	for value, expected := range map[string]string{
		"wrapped":  "transient: outer: inner",
		"\xff":     "malformed: the value is not UTF-8 at byte 0",
		"function": "rejected: the payload can't be written as JSON: unsupported type: func()",
	} {
		outcomes := plugin.Run(Value(value), Value("good"))
		if got := outcomes[0].Failure; got == nil || got.Error() != expected || len(outcomes[0].Events) > 0 {
			t.Errorf("%s: %v", value, got)
		}
		if len(outcomes[1].Events) != 1 {
			t.Errorf("%s: the other record has %v", value, outcomes[1])
		}
	}
}

func TestTheHostsChecksAreApplied(t *testing.T) {
	var make func(events *transform.Events)
	plugin := NewTransform(t, always(func(_ millstream.Record, events *transform.Events) error {
		make(events)
		return nil
	}), "{}")
	client := func(id string) func(*transform.Events) {
		return func(events *transform.Events) { events.Client(id).Text("") }
	}
	kind := func(name string) func(*transform.Events) {
		return func(events *transform.Events) { events.Client("a").Type(name).Text("") }
	}
	many := func(events *transform.Events) {
		for range 1001 {
			events.Client("a").Text("")
		}
	}
	for expected, makes := range map[string]func(*transform.Events){
		"bad-output: the client id is empty":                                                               client(""),
		"bad-output: the client id has 257 bytes; the limit is 256":                                        client(strings.Repeat("x", 257)),
		"bad-output: the client id contains a control character at byte 1":                                 client("a\n"),
		"bad-output: the client id is not UTF-8":                                                           client("\xff"),
		"bad-output: the group name is empty":                                                              func(e *transform.Events) { e.Group("").Text("") },
		"bad-output: the task id is empty":                                                                 func(e *transform.Events) { e.Task("").Text("") },
		"bad-output: the event type contains a control character":                                          kind("a\r"),
		"bad-output: the event type has 257 bytes; the limit is 256":                                       kind(strings.Repeat("x", 257)),
		"bad-output: the payload is not UTF-8 at byte 1":                                                   func(e *transform.Events) { e.Client("a").Bytes([]byte("a\xff")) },
		"too-large: the plugin made 1001 events from one record, at most 1000 are allowed":                 many,
		"bad-output: the event type `millstream.x` is reserved (as are gap, open, error and millstream.*)": kind("millstream.x"),
	} {
		make = makes
		if _, err := plugin.One(Value("x")); err == nil || err.Error() != expected {
			t.Errorf("%v, not %s", err, expected)
		}
	}
}

func TestTombstonesAreHandledAsConfigured(t *testing.T) {
	configure := func(config millstream.Config) (transform.Func, error) {
		var plugin struct {
			Tombstones millstream.Tombstones `json:"tombstones"`
		}
		err := config.Parse(&plugin)
		return func(record millstream.Record, events *transform.Events) error {
			return plugin.Tombstones.Of(record, func(key string) error {
				events.Client(key).Text("null")
				return nil
			})
		}, err
	}
	made := func(config string) string {
		events, err := NewTransform(t, configure, config).One(Tombstone().Key("ada"))
		return fmt.Sprint(events, err)
	}
	if got := made(`{"tombstones":"event"}`); got != "[{ada    null}] <nil>" {
		t.Error(got)
	}
	if got := made(`{"tombstones":"skip"}`); got != "[] <nil>" {
		t.Error(got)
	}
	if got := made(`{}`); !strings.Contains(got, "malformed: the record has no value (a tombstone); to accept") {
		t.Error(got)
	}
	if err := TransformRefusal(configure, `{"x":1}`); err == nil {
		t.Error("an unknown key is accepted")
	}
}

func TestAnErrorWithoutAClassIsAFaultOfThePlugin(t *testing.T) {
	plugin := NewTransform(t, always(func(millstream.Record, *transform.Events) error {
		return fmt.Errorf("plain")
	}), "{}")
	defer func() {
		if got := fmt.Sprint(recover()); !strings.HasSuffix(got, "without a class (use millstream.Rejected, Malformed, Unaddressable or Transient): plain") {
			t.Error(got)
		}
	}()
	plugin.Run(Value("x"))
}

// fatal records that a test of the harness's user failed.
type fatal struct {
	testing.TB
	message string
}

func (f *fatal) Helper() {}
func (f *fatal) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	panic(f.message)
}

func TestStateBetweenRecordsFailsTheTest(t *testing.T) {
	count := 0
	table := map[int]bool{}
	for i := range 100 {
		table[i] = true
	}
	for name, plugin := range map[string]transform.Func{
		"state": func(_ millstream.Record, events *transform.Events) error {
			count++
			return events.Client("a").JSON(count)
		},
		"a map's order": func(_ millstream.Record, events *transform.Events) error {
			for key := range table {
				events.Client("a").Text(fmt.Sprint(key))
			}
			return nil
		},
	} {
		watched := &fatal{TB: t}
		plugin := NewTransform(watched, always(plugin), "{}")
		func() {
			defer func() { _ = recover() }()
			plugin.Run(Value("x"))
		}()
		if !strings.Contains(watched.message, "the plugin keeps state or depends on the order of a map") {
			t.Errorf("%s: %q", name, watched.message)
		}
	}
}
