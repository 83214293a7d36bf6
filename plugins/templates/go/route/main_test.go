package main

import (
	"testing"

	"millstream/millstreamtest"
)

func TestAuditsGoToTheirTopicToo(t *testing.T) {
	plugin := millstreamtest.NewRoute(t, configure, "{}")
	routed := plugin.Run(
		millstreamtest.ForClient("ada", "audit", "{}"),
		millstreamtest.ForClient("ada", "order", "{}"),
	)
	for i, topic := range []string{"audit", ""} {
		if routed[i].Topic != topic || routed[i].Failure != nil {
			t.Errorf("event %d: %+v, not to %q", i, routed[i], topic)
		}
	}
}
