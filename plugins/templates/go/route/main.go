// A route: events of the type `audit` also go to a Kafka topic.
package main

import (
	"millstream"
	"millstream/route"
)

type plugin struct {
	// The pipeline must allow it: `output-topics = ["audit"]`.
	Topic string `json:"topic"`
}

func main() { route.Main(configure) }

func configure(config millstream.Config) (route.Plugin, error) {
	plugin := plugin{Topic: "audit"}
	err := config.Parse(&plugin)
	return route.Plugin{Route: plugin.route}, err
}

func (p plugin) route(event route.Event) (route.Destination, error) {
	var destination route.Destination
	if event.Type() == "audit" {
		destination.Topic = &route.ToTopic{Topic: p.Topic, Key: []byte(event.Name())}
	}
	return destination, nil
}
