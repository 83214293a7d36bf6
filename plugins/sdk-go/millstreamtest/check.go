package millstreamtest

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"millstream"
	"millstream/internal/flat"
	"millstream/stateful"
)

// Limits of the daemon; see its own checks.
const (
	eventsPerRecord = 1000
	messageMax      = 1024
	nameMax         = 256
	topicMax        = 249
	headersMax      = 100
	keysPerRecord   = 100
	keyMax          = 256
	valueMax        = 64 << 10
)

// checkName checks the address of an event; `what` is such as `client id`.
func checkName(what string, name []byte) error {
	switch {
	case len(name) == 0:
		return fmt.Errorf("the %s is empty", what)
	case len(name) > nameMax:
		return fmt.Errorf("the %s has %d bytes; the limit is %d", what, len(name), nameMax)
	case !utf8.Valid(name):
		return fmt.Errorf("the %s is not UTF-8", what)
	}
	if at := control(name); at >= 0 {
		return fmt.Errorf("the %s contains a control character at byte %d", what, at)
	}
	return nil
}

func checkType(name []byte) error {
	switch text := string(name); {
	case len(name) > nameMax:
		return fmt.Errorf("the event type has %d bytes; the limit is %d", len(name), nameMax)
	case !utf8.Valid(name):
		return fmt.Errorf("the event type is not UTF-8")
	case control(name) >= 0:
		return fmt.Errorf("the event type contains a control character")
	case text == "gap" || text == "open" || text == "error" || strings.HasPrefix(text, "millstream."):
		return fmt.Errorf("the event type `%s` is reserved (as are gap, open, error and millstream.*)", text)
	}
	return nil
}

func checkPayload(payload []byte) error {
	for at := 0; at < len(payload); {
		r, size := utf8.DecodeRune(payload[at:])
		if r == utf8.RuneError && size == 1 {
			return fmt.Errorf("the payload is not UTF-8 at byte %d", at)
		}
		at += size
	}
	return nil
}

func control(text []byte) int { return strings.IndexFunc(string(text), unicode.IsControl) }

// checkTopic checks a topic's name, as Kafka does.
func checkTopic(name []byte) error {
	legal := func(c rune) bool {
		return c < utf8.RuneSelf && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("._-", c))
	}
	text := string(name)
	illegal := strings.ContainsFunc(text, func(c rune) bool { return !legal(c) })
	if text == "" || len(text) > topicMax || text == "." || text == ".." || illegal {
		return fmt.Errorf("invalid topic name `%s`", text[:min(len(text), 80)])
	}
	return nil
}

// checkHeaders lifts the headers of an output.
func checkHeaders(arena []byte, list []flat.Header, first, count uint32) ([]millstream.Header, error) {
	if count > headersMax {
		return nil, fmt.Errorf("it added %d headers, at most %d are allowed", count, headersMax)
	}
	var headers []millstream.Header
	for _, h := range flat.HeadersFrom(list, first, count) {
		name := string(h.Name.Of(arena))
		if name == "" || strings.Contains(name, "\x00") {
			return nil, fmt.Errorf("a header name is empty or contains a NUL")
		}
		if reserved(name) {
			return nil, fmt.Errorf("header `%s` is reserved: Millstream sets millstream.* itself", name[:min(len(name), 80)])
		}
		headers = append(headers, millstream.Header{Name: name, Value: clone(h.Value.Of(arena))})
	}
	return headers, nil
}

func reserved(name string) bool {
	switch name {
	case "millstream.client", "millstream.group", "millstream.type":
		return false
	}
	return strings.HasPrefix(name, "millstream.")
}

// checkKeys checks the keys of one record.
func checkKeys(answer *stateful.NamedKeys) error {
	if len(answer.Keys) > keysPerRecord {
		return fmt.Errorf("a record names more than %d keys", keysPerRecord)
	}
	for _, key := range answer.Keys {
		switch length := key.Key.Length; {
		case length == 0:
			return errors.New("a key is empty")
		case length > keyMax:
			return fmt.Errorf("a key has %d bytes; the limit is %d", length, keyMax)
		}
	}
	return nil
}

// checkWrites checks the values that a record wrote.
func checkWrites(writes []stateful.WireWrite) error {
	for _, write := range writes {
		if length := write.Value.Length; length > valueMax {
			return fmt.Errorf("the plugin wrote a value of %d bytes; the limit is %d", length, valueMax)
		}
	}
	return nil
}

// message is what the host keeps of one.
func message(arena []byte, span flat.Span) string {
	bytes := span.Of(arena)
	return strings.ToValidUTF8(string(bytes[:min(len(bytes), messageMax)]), "\uFFFD")
}

// clone keeps bytes beyond the call; nil stays nil.
func clone(bytes []byte) []byte {
	if bytes == nil {
		return nil
	}
	return append([]byte{}, bytes...)
}
