package millstream

import (
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Tombstones is how a transform handles tombstones, records without a value: for
// the key `tombstones` of its configuration. They are common in compacted
// topics, and Debezium sends one for each delete.
type Tombstones uint8

const (
	// TombstonesFail: a tombstone fails as malformed. The default.
	TombstonesFail Tombstones = iota
	// TombstonesSkip: a tombstone makes no event.
	TombstonesSkip
	// TombstonesEvent: a tombstone makes an event for the client or group that
	// its key names.
	TombstonesEvent
)

// UnmarshalJSON reads "fail", "skip" or "event".
func (t *Tombstones) UnmarshalJSON(text []byte) error {
	var name string
	if err := json.Unmarshal(text, &name); err != nil {
		return err
	}
	switch name {
	case "fail":
		*t = TombstonesFail
	case "skip":
		*t = TombstonesSkip
	case "event":
		*t = TombstonesEvent
	default:
		return fmt.Errorf("unknown way `%s` to handle tombstones: use skip, fail or event", name)
	}
	return nil
}

// Of handles a tombstone; `event` makes the event from the key.
func (t Tombstones) Of(record Record, event func(key string) error) error {
	switch t {
	case TombstonesSkip:
		return nil
	case TombstonesEvent:
		if key := record.Key(); isID(key) {
			return event(string(key))
		}
		return Unaddressable("the record is a tombstone and its key is not a valid id: expected 1 " +
			"to 256 bytes of text without control characters")
	default:
		return Malformed(tombstone + "; to accept tombstones set `tombstones` in the plugin's " +
			"configuration to \"skip\" or \"event\"")
	}
}

// isID reports whether a key can be an id. The host would blame the plugin.
func isID(key []byte) bool {
	if len(key) < 1 || len(key) > 256 || !utf8.Valid(key) {
		return false
	}
	for _, c := range string(key) {
		if unicode.IsControl(c) {
			return false
		}
	}
	return true
}
