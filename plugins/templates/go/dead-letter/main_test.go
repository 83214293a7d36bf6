package main

import (
	"testing"

	"millstream/deadletter"
	"millstream/millstreamtest"
)

func TestARejectedRecordIsDropped(t *testing.T) {
	plugin := millstreamtest.NewDeadLetter(t, configure, "{}")
	failed := millstreamtest.FirstFailure("rejected", "the total is negative", millstreamtest.Value("{}"))
	if ruling := plugin.Run(failed)[0]; ruling.Action != deadletter.ActionDrop {
		t.Errorf("%+v", ruling)
	}
}
