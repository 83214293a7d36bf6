package millstreamtest_test

import (
	"reflect"
	"testing"
	"time"

	"millstream"
	"millstream/deadletter"
	. "millstream/millstreamtest"
)

func TestADecisionIsReadOrRefused(t *testing.T) {
	header := []millstream.Header{{Name: "h", Value: []byte("v")}}
	letter := deadletter.Letter{Topic: "x", Value: &deadletter.Value{Bytes: []byte("v")}, Headers: header}
	for decision, expected := range map[*deadletter.Decision]string{
		{Action: deadletter.ActionDrop}:                      "",
		{Action: deadletter.ActionHalt}:                      "",
		{Action: deadletter.ActionRetry, Delay: time.Second}: "",
		{}:               "",
		{Letter: letter}: "",
		{Letter: deadletter.Letter{Value: &deadletter.Value{}}}:                                    "",
		{Action: deadletter.ActionReroute, Letter: deadletter.Letter{Topic: "x", Headers: header}}: "",
		{Action: deadletter.ActionReroute}:                                                         "invalid topic name ``",
		{Letter: deadletter.Letter{Topic: "a b"}}:                                                  "invalid topic name `a b`",
		{Letter: deadletter.Letter{Headers: []millstream.Header{{}}}}:                              "a header name is empty or contains a NUL",
		{Action: 9}: "action 9 is unknown to this version",
	} {
		plugin := NewDeadLetter(t, func(config millstream.Config) (deadletter.Func, error) {
			return func(deadletter.Failed) deadletter.Decision { return *decision }, config.None()
		}, "{}")
		ruling := plugin.Run(FirstFailure("rejected", "no", Value("{}")))[0]
		if expected == "" && !reflect.DeepEqual(ruling.Decision, *decision) {
			t.Errorf("%+v, not %+v", ruling, *decision)
		}
		if expected != "" && (ruling.Failure == nil || ruling.Failure.Message != expected) {
			t.Errorf("%+v, not %s", ruling.Failure, expected)
		}
	}
}

func TestAPolicyReceivesTheFailure(t *testing.T) {
	plugin := NewDeadLetter(t, func(config millstream.Config) (deadletter.Func, error) {
		return func(f deadletter.Failed) deadletter.Decision {
			if f.Attempts() == 2 && string(f.Record().Value()) == "v" {
				return deadletter.Reroute(f.Stage() + "." + f.Class() + "." + f.Message() + "." + f.Plugin() + "." + f.Digest())
			}
			return deadletter.Retry(-time.Second)
		}, config.None()
	}, "{}")
	failed := FirstFailure("trap", "why", Value("v"))
	rulings := plugin.Run(failed.Attempts(2), failed)
	if got := rulings[0].Letter.Topic; got != "transform.trap.why.plugin.digest" {
		t.Error(got)
	}
	if got := rulings[1]; got.Action != deadletter.ActionRetry || got.Delay != 0 {
		t.Error(got)
	}
}
