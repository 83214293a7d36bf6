package stateful

import (
	"strings"
	"time"

	"millstream"
	"millstream/internal/flat"
)

// State has the values of the current record's keys. A key that Keys did not name
// for this record is a fault of the plugin: every method panics for it.
type State struct{ values *values }

// Get returns the value of a key; nil if it has none, or it has expired. It is
// valid as for a Record, and must not be changed.
func (s *State) Get(key string) []byte { return s.values.get(key) }

// Text returns the value of a key as text, and false if it has none.
func (s *State) Text(key string) (text string, ok bool) {
	value := s.values.get(key)
	return string(value), value != nil
}

// JSON parses the value of a key as JSON into `into`, a pointer. It returns false
// if the key has none. It fails as rejected if the value is not such JSON: another
// version of the plugin may have written it.
func (s *State) JSON(key string, into any) (ok bool, err error) {
	value := s.values.get(key)
	if value == nil {
		return false, nil
	}
	if err := millstream.ParseJSON(value, into); err != nil {
		why := strings.TrimPrefix(err.Error(), "not the expected JSON: ")
		return false, millstream.Rejected("the kept value is not the expected JSON: " + why)
	}
	return true, nil
}

// Set sets the value of a key: at most 64 KiB, until it is removed. A nil value is
// an empty one.
func (s *State) Set(key string, value []byte) { s.values.set(key, value, never) }

// SetText sets the value of a key to a text, as Set does.
func (s *State) SetText(key, text string) { s.values.set(key, []byte(text), never) }

// SetJSON sets the value of a key, written as JSON. It fails as rejected if it
// can't be written as JSON. The keys of maps are sorted.
func (s *State) SetJSON(key string, value any) error {
	entry := s.values.entry(key)
	span, err := s.values.json(value)
	if err != nil {
		why := strings.TrimPrefix(err.Error(), "json: ")
		return millstream.Rejected("the value can't be written as JSON: " + why)
	}
	s.values.write(entry, span, never)
	return nil
}

// SetFor sets the value of a key for a duration from Now on, in whole milliseconds,
// measured by the timestamps of the partition's records, not by a clock on the
// wall.
func (s *State) SetFor(key string, value []byte, duration time.Duration) {
	now, millis := max(s.values.now, 0), duration.Milliseconds()
	expires := int64(never)
	if millis < never-now {
		expires = now + millis
	}
	s.values.set(key, value, expires)
}

// Remove removes the value of a key.
func (s *State) Remove(key string) { s.values.write(s.values.entry(key), flat.Absent, never) }

// Now returns the time at this record: the largest timestamp of the partition's
// records up to and including this one, in milliseconds since 1970-01-01 UTC;
// false if none of them had one. It never goes back.
func (s *State) Now() (millis int64, ok bool) { return s.values.now, s.values.now >= 0 }
