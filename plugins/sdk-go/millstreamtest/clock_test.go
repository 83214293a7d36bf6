package millstreamtest_test

import (
	"fmt"
	"testing"

	"millstream"
	"millstream/clock"
	"millstream/deadletter"
	. "millstream/millstreamtest"
	"millstream/route"
	"millstream/stateful"
	"millstream/transform"
)

// now is the time, as a test shows it.
func now() string { return fmt.Sprint(clock.Now()) }

func TestTheClockIsTheLargestTimestampSoFar(t *testing.T) {
	records := []Record{Value("x"), Value("x").Timestamp(5), Value("x").Timestamp(3), Value("x")}
	expected := []string{"-1 false", "5 true", "5 true", "5 true"}

	plain := NewTransform(t, always(func(_ millstream.Record, events *transform.Events) error {
		events.Client("a").Text(now())
		return nil
	}), "{}")
	kept := NewStateful(t, naming(func(_ millstream.Record, _ *stateful.State, events *stateful.Events) error {
		events.Client("a").Text(now())
		return nil
	}), "{}")
	routed := NewRoute(t, routing(route.Needs{}, func(route.Event) (route.Destination, error) {
		return route.Destination{}, fmt.Errorf("%s", now())
	}), "{}")
	failed := NewDeadLetter(t, func(config millstream.Config) (deadletter.Func, error) {
		return func(deadletter.Failed) deadletter.Decision {
			return deadletter.ToTopic(deadletter.Letter{Value: &deadletter.Value{Bytes: []byte(now())}})
		}, config.None()
	}, "{}")

	var events []RouteEvent
	var failures []Failed
	for _, record := range records {
		events = append(events, ForClient("a", "", "").Of(record))
		failures = append(failures, FirstFailure("rejected", "no", record))
	}
	plains, keeps := plain.Run(records...), kept.Run(records...)
	destinations, rulings := routed.Run(events...), failed.Run(failures...)
	for i, expected := range expected {
		for kind, got := range map[string]string{
			"transform":   plains[i].Events[0].Payload,
			"stateful":    keeps[i].Events[0].Payload,
			"route":       destinations[i].Failure.Message,
			"dead letter": string(rulings[i].Letter.Value.Bytes),
		} {
			if got != expected {
				t.Errorf("%s, record %d: %s, not %s", kind, i, got, expected)
			}
		}
	}
	if made, err := plain.One(Value("x").Timestamp(4)); err != nil || made[0].Payload != "5 true" {
		t.Error("the time went back:", made, err)
	}
}
