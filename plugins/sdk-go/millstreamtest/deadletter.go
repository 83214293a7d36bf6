package millstreamtest

import (
	"fmt"
	"testing"
	"time"

	"millstream/deadletter"
	"millstream/internal/flat"
)

// A Failed is a failed test record. Its stage is `transform`, its plugin
// `plugin`, its digest `digest`.
type Failed struct {
	class, message string
	attempts       uint32
	record         Record
}

// FirstFailure is a first failure of a record.
func FirstFailure(class, message string, record Record) Failed {
	return Failed{class, message, 1, record}
}

// Attempts sets how many times the record was tried.
func (f Failed) Attempts(attempts uint32) Failed {
	f.attempts = attempts
	return f
}

// A Ruling is a decision, or why the host would not accept it: `bad-output`.
type Ruling struct {
	deadletter.Decision
	Failure *Failure
}

// A DeadLetter is a dead-letter policy under test.
type DeadLetter struct {
	t      testing.TB
	runner *deadletter.Runner
	clock  clock
}

// NewDeadLetter configures a policy with `config`, a JSON object. A refusal fails
// the test; see DeadLetterRefusal.
func NewDeadLetter(t testing.TB, configure deadletter.Configure, config string) *DeadLetter {
	t.Helper()
	runner, err := deadletter.NewRunner(configure, config)
	if err != nil {
		t.Fatalf("the plugin refuses its configuration: %v", err)
	}
	return &DeadLetter{t, runner, -1}
}

// DeadLetterRefusal returns why a policy refuses its configuration, or nil.
func DeadLetterRefusal(configure deadletter.Configure, config string) error {
	_, err := deadletter.NewRunner(configure, config)
	return err
}

// Run runs one batch. It returns the decision on each failed record.
func (p *DeadLetter) Run(failures ...Failed) []Ruling {
	p.t.Helper()
	records := make([]Record, len(failures))
	for i, failure := range failures {
		records[i] = failure.record
	}
	return repeatedly(p.t, p.clock.times(records), func(indices []int) []Ruling {
		batch := batch(records, indices)
		lowered := lowerFailures(batch, failures, indices)
		answer := p.runner.Run(batch, lowered)
		rulings := make([]Ruling, len(answer.Decisions))
		for i, decision := range answer.Decisions {
			rulings[i] = ruling(answer, decision)
		}
		scramble(batch.Arena)
		return rulings
	})
}

// lowerFailures adds the failures to the batch of their records.
func lowerFailures(batch *flat.Batch, failures []Failed, indices []int) []deadletter.WireFailure {
	arena := flat.Arena(batch.Arena)
	lowered := make([]deadletter.WireFailure, len(indices))
	for i, index := range indices {
		lowered[i] = deadletter.WireFailure{
			Record:   uint32(i),
			Attempts: failures[index].attempts,
			Stage:    arena.PushString("transform"),
			Class:    arena.PushString(failures[index].class),
			Message:  arena.PushString(failures[index].message),
			Plugin:   arena.PushString("plugin"),
			Digest:   arena.PushString("digest"),
		}
	}
	batch.Arena = arena
	return lowered
}

func ruling(answer *deadletter.Answer, wire deadletter.WireDecision) Ruling {
	action := deadletter.Action(wire.Action)
	decision := deadletter.Decision{Action: action}
	switch action {
	case deadletter.ActionRetry:
		decision.Delay = time.Duration(wire.DelayMillis) * time.Millisecond
	case deadletter.ActionDrop, deadletter.ActionHalt:
	default:
		return Ruling{Failure: badOutput(fmt.Sprintf("action %d is unknown to this version", wire.Action))}
	case deadletter.ActionToTopic, deadletter.ActionReroute:
		topic := wire.Topic.Of(answer.Arena)
		headers, err := checkHeaders(answer.Arena, answer.Headers, wire.FirstHeader, wire.HeaderCount)
		if wrong := checkTopic(topic); wrong != nil && !wire.Topic.IsAbsent() {
			err = wrong
		}
		if err != nil {
			return Ruling{Failure: badOutput(err.Error())}
		}
		decision.Letter = deadletter.Letter{Topic: string(topic), Headers: headers}
		if wire.ValueFrom != 0 {
			decision.Letter.Value = &deadletter.Value{Bytes: clone(wire.Value.Of(answer.Arena))}
		}
	}
	return Ruling{Decision: decision}
}
