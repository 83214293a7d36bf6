package millstreamtest

import (
	"fmt"
	"testing"

	"millstream"
	"millstream/transform"
)

// An Event is an event that a transform made. Of Client, Group and Task, the
// owner of a task, one is set.
type Event struct {
	Client, Group, Task string
	Type                string
	Payload             string
}

// A Failure is a record's failure, as the daemon reports it. Class is its name:
// of a failure that the transform returned, such as `rejected`; or `bad-output`
// or `too-large`, where an event breaks the contract.
type Failure struct{ Class, Message string }

// Error returns the class and the message.
func (f *Failure) Error() string { return f.Class + ": " + f.Message }

// An Outcome is a record's events, or its failure.
type Outcome struct {
	Events  []Event
	Failure *Failure
}

// A Transform is a transform under test.
type Transform struct {
	t      testing.TB
	runner *transform.Runner
	clock  clock
}

// NewTransform configures a transform with `config`, a JSON object. A refusal
// fails the test; see TransformRefusal.
func NewTransform(t testing.TB, configure transform.Configure, config string) *Transform {
	t.Helper()
	runner, err := transform.NewRunner(configure, config)
	if err != nil {
		t.Fatalf("the plugin refuses its configuration: %v", err)
	}
	return &Transform{t, runner, -1}
}

// TransformRefusal returns why a transform refuses its configuration, or nil.
func TransformRefusal(configure transform.Configure, config string) error {
	_, err := transform.NewRunner(configure, config)
	return err
}

// Run runs one batch. It returns for each record its events or its failure.
func (p *Transform) Run(records ...Record) []Outcome {
	p.t.Helper()
	return repeatedly(p.t, p.clock.times(records), func(indices []int) []Outcome {
		batch := batch(records, indices)
		outcomes := outcomes(p.runner.Run(batch), len(indices))
		scramble(batch.Arena)
		return outcomes
	})
}

// One runs one record. If it fails, the error is a *Failure.
func (p *Transform) One(record Record) ([]Event, error) {
	p.t.Helper()
	outcome := p.Run(record)[0]
	if outcome.Failure != nil {
		return nil, outcome.Failure
	}
	return outcome.Events, nil
}

func outcomes(answer *transform.Answer, records int) []Outcome {
	outcomes := make([]Outcome, records)
	for i := range answer.Events {
		event := &answer.Events[i]
		outcome := &outcomes[event.Record]
		outcome.Events = append(outcome.Events, made(answer, event))
		if err := checkEvent(answer, event); err != nil && outcome.Failure == nil {
			outcome.Failure = &Failure{"bad-output", err.Error()}
		}
	}
	for i := range outcomes {
		if count := len(outcomes[i].Events); count > eventsPerRecord {
			outcomes[i].Failure = &Failure{"too-large", fmt.Sprintf(
				"the plugin made %d events from one record, at most %d are allowed", count, eventsPerRecord)}
		}
		if outcomes[i].Failure != nil {
			outcomes[i].Events = nil
		}
	}
	for _, failure := range answer.Failures {
		class := millstream.Class(failure.Class).String()
		outcomes[failure.Record] = Outcome{
			Failure: &Failure{class, message(answer.Arena, failure.Message)},
		}
	}
	return outcomes
}

func checkEvent(answer *transform.Answer, event *transform.WireEvent) error {
	what := [...]string{"client id", "group name", "task id"}[event.AddressKind]
	if err := checkName(what, event.Address.Of(answer.Arena)); err != nil {
		return err
	}
	if err := checkType(event.Type.Of(answer.Arena)); err != nil {
		return err
	}
	return checkPayload(event.Payload.Of(answer.Arena))
}

func made(answer *transform.Answer, event *transform.WireEvent) Event {
	made := Event{
		Type:    string(event.Type.Of(answer.Arena)),
		Payload: string(event.Payload.Of(answer.Arena)),
	}
	name := [...]*string{&made.Client, &made.Group, &made.Task}[event.AddressKind]
	*name = string(event.Address.Of(answer.Arena))
	return made
}
