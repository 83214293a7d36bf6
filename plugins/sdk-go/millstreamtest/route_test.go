package millstreamtest_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"millstream"
	. "millstream/millstreamtest"
	"millstream/route"
)

func routing(needs route.Needs, plugin func(route.Event) (route.Destination, error)) route.Configure {
	return func(config millstream.Config) (route.Plugin, error) {
		return route.Plugin{Needs: needs, Route: plugin}, config.None()
	}
}

func TestARouteReceivesTheAddresseeAndWhatItNeeds(t *testing.T) {
	telling := func(event route.Event) (route.Destination, error) {
		client, isClient := event.Client()
		group, isGroup := event.Group()
		return route.Destination{}, fmt.Errorf("%q %v %q %v %s %v %q %q %v", client, isClient, group, isGroup,
			event.Type(), event.Connected(), event.Payload(), event.Record().Key(), event.Record().Value() == nil)
	}
	events := []RouteEvent{
		ForClient("a", "t", "{}").Of(Value("v").Key("k")),
		ForClient("a", "t", "{}").Connected(),
		ForGroup("a", "t", "{}"),
	}
	for needs, expected := range map[route.Needs][3]string{
		{Connected: true, Payload: true, Record: true}: {
			`"a" true "" false t false "{}" "k" true`,
			`"a" true "" false t true "{}" "" true`,
			`"" false "a" true t true "{}" "" true`,
		},
		{}: {
			`"a" true "" false t false "" "" true`,
			`"a" true "" false t false "" "" true`,
			`"" false "a" true t false "" "" true`,
		},
	} {
		for i, routed := range NewRoute(t, routing(needs, telling), "{}").Run(events...) {
			if got := routed.Failure; got.Class != "unroutable" || got.Message != expected[i] {
				t.Error(needs, got, expected[i])
			}
		}
	}
}

func TestADestinationIsReadOrRefused(t *testing.T) {
	header := func(name string) []millstream.Header { return []millstream.Header{{Name: name}} }
	to := func(topic string, headers []millstream.Header) route.Destination {
		return route.Destination{Stream: route.No, Topic: &route.ToTopic{Topic: topic, Key: []byte{}, Headers: headers}}
	}
	for _, each := range []struct {
		destination route.Destination
		err         error
		expected    Destination
	}{
		{route.Destination{}, nil, Destination{}},
		{route.Destination{Stream: route.WhileConnected}, nil, Destination{Stream: route.WhileConnected}},
		{to("x", header("h")), nil, Destination{Stream: route.No, Topic: "x", Key: []byte{}, Headers: header("h")}},
		{to("", nil), nil, Destination{Failure: &Failure{"bad-output", "invalid topic name ``"}}},
		{to("a/b", nil), nil, Destination{Failure: &Failure{"bad-output", "invalid topic name `a/b`"}}},
		{to("x", header("")), nil, Destination{Failure: &Failure{"bad-output", "a header name is empty or contains a NUL"}}},
		{to("x", header("millstream.x")), nil, Destination{Failure: &Failure{"bad-output",
			"header `millstream.x` is reserved: Millstream sets millstream.* itself"}}},
		{to("x", nil), errors.New("no"), Destination{Failure: &Failure{"unroutable", "no"}}},
		{route.Destination{Stream: 9}, nil, Destination{Failure: &Failure{"bad-output", "the delivery mode is unknown to this version"}}},
	} {
		plugin := NewRoute(t, routing(route.Needs{}, func(route.Event) (route.Destination, error) {
			return each.destination, each.err
		}), "{}")
		if got := plugin.Run(ForClient("a", "", ""))[0]; !reflect.DeepEqual(got, each.expected) {
			t.Errorf("%+v %v, not %+v", got, got.Failure, each.expected)
		}
	}
}
