package stateful

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"millstream/internal/flat"
)

// never is when a value expires that is kept until it is removed.
const never = math.MaxInt64

// values are the values of a batch, as the current record sees them.
type values struct {
	record uint32
	// own are the entries that the record named.
	own []uint32
	now int64

	before *WireState
	// named is how many of before.Named belong to records up to the current one.
	named   uint32
	arena   flat.Arena
	encoder *json.Encoder
	writes  []WireWrite
	// last has for each entry how many writes there were with its last one; 0 for
	// none. previous has for each write what was there before it.
	last, previous []int
	// mark is how much of arena and writes is of records before the current one.
	mark struct{ arena, writes int }
}

func newValues() *values {
	v := &values{}
	v.encoder = json.NewEncoder(&v.arena)
	v.encoder.SetEscapeHTML(false)
	return v
}

// begin begins a batch.
func (v *values) begin(before *WireState) {
	v.before, v.named = before, 0
	v.arena.Reset(0)
	v.writes, v.previous = v.writes[:0], v.previous[:0]
	v.last = slices.Grow(v.last[:0], len(before.Entries))[:len(before.Entries)]
	clear(v.last)
}

// turn begins a record. Records come in order.
func (v *values) turn(record uint32) {
	count := v.before.Counts[record]
	v.record, v.now = record, v.before.Clocks[record]
	v.own = v.before.Named[v.named : v.named+count]
	v.named += count
	v.mark.arena, v.mark.writes = len(v.arena), len(v.writes)
}

// undo takes back what the current record wrote.
func (v *values) undo() {
	for len(v.writes) > v.mark.writes {
		end := len(v.writes) - 1
		v.last[v.writes[end].Entry] = v.previous[end]
		v.writes, v.previous = v.writes[:end], v.previous[:end]
	}
	v.arena = v.arena[:v.mark.arena]
}

// end returns everything that was written, with values in `arena`.
func (v *values) end(arena *flat.Arena) []WireWrite {
	base := arena.Push(v.arena).Start
	for i := range v.writes {
		if value := &v.writes[i].Value; !value.IsAbsent() {
			value.Start += base
		}
	}
	return v.writes
}

func (v *values) entry(key string) uint32 {
	for _, entry := range v.own {
		if string(v.before.Entries[entry].Key.Of(v.before.Arena)) == key {
			return entry
		}
	}
	panic(fmt.Sprintf("the key `%s` was not named: `Keys` must name every key that `Transform` uses",
		strings.ToValidUTF8(key, "\uFFFD")))
}

func (v *values) get(key string) []byte {
	entry := v.entry(key)
	kept := &v.before.Entries[entry]
	arena, value, expires := v.before.Arena, kept.Value, kept.Expires
	if last := v.last[entry]; last > 0 {
		written := &v.writes[last-1]
		arena, value, expires = v.arena, written.Value, written.Expires
	}
	if expires <= v.now {
		return nil
	}
	return value.Of(arena)
}

func (v *values) set(key string, value []byte, expires int64) {
	entry := v.entry(key)
	v.write(entry, v.arena.Push(value), expires)
}

// json adds a value to the arena.
func (v *values) json(value any) (flat.Span, error) {
	start := len(v.arena)
	if err := v.encoder.Encode(value); err != nil {
		v.arena = v.arena[:start]
		return flat.Absent, err
	}
	// The encoder ends with a line feed.
	v.arena = v.arena[:len(v.arena)-1]
	return flat.Span{Start: uint32(start), Length: uint32(len(v.arena) - start)}, nil
}

func (v *values) write(entry uint32, value flat.Span, expires int64) {
	v.previous = append(v.previous, v.last[entry])
	v.writes = append(v.writes, WireWrite{v.record, entry, value, expires})
	v.last[entry] = len(v.writes)
}
