// A dead-letter policy: rejected records are dropped, transient failures are
// tried again, all else goes to the default topic.
package main

import (
	"time"

	"millstream"
	"millstream/deadletter"
)

func main() { deadletter.Main(configure) }

func configure(config millstream.Config) (deadletter.Func, error) {
	return decide, config.None()
}

func decide(failed deadletter.Failed) deadletter.Decision {
	switch class := failed.Class(); {
	case class == "rejected":
		return deadletter.Drop()
	case class == "transient" && failed.Attempts() < 3:
		return deadletter.Retry(200 * time.Millisecond)
	default:
		return deadletter.ToTopic(deadletter.Letter{})
	}
}
