package main

import (
	"testing"

	"millstream/millstreamtest"
)

func TestAnOrderBecomesAnEventForItsCustomer(t *testing.T) {
	plugin := millstreamtest.NewTransform(t, configure, "{}")
	order := millstreamtest.Value(`{"customer": "ada", "id": 7, "total": 9.5}`)
	events, err := plugin.One(order)
	if err != nil {
		t.Fatal(err)
	}
	expected := millstreamtest.Event{Client: "ada", Type: "order", Payload: `{"id":7,"total":9.5}`}
	if len(events) != 1 || events[0] != expected {
		t.Errorf("%+v, not %+v", events, expected)
	}
}
