// Package flat has the types of the boundary, as wit/plugin.wit lays them out:
// one arena of bytes, and lists of records of integers that point into it.
package flat

import "slices"

// absent is the start of the span of an absent value.
const absent = ^uint32(0)

// A Span is a range of bytes in an arena.
type Span struct{ Start, Length uint32 }

// Absent is the span of an absent value, which is not the same as empty.
var Absent = Span{Start: absent}

// IsAbsent reports whether the value is absent.
func (s Span) IsAbsent() bool { return s.Start == absent }

// Of returns the span's bytes, or nil if they are absent. Appending to them
// copies them.
func (s Span) Of(arena []byte) []byte {
	end := uint64(s.Start) + uint64(s.Length)
	if s.Start == absent || end > uint64(len(arena)) {
		return nil
	}
	if s.Length == 0 {
		return []byte{}
	}
	return arena[s.Start:end:end]
}

// A Header is a header of a Kafka record.
type Header struct{ Name, Value Span }

// A KafkaRecord is a record of a call.
type KafkaRecord struct {
	Offset, Timestamp        int64
	Key, Value               Span
	FirstHeader, HeaderCount uint32
}

// A Batch is what every call brings.
type Batch struct {
	Arena     []byte
	Topic     string
	Partition int32
	Records   []KafkaRecord
	Headers   []Header
}

// HeadersFrom returns `count` of the headers, from `first`.
func HeadersFrom(headers []Header, first, count uint32) []Header {
	end := uint64(first) + uint64(count)
	if end > uint64(len(headers)) {
		return nil
	}
	return headers[first:end]
}

// An Arena collects bytes.
type Arena []byte

// Push adds bytes.
func (a *Arena) Push(bytes []byte) Span {
	start := len(*a)
	*a = append(*a, bytes...)
	return Span{uint32(start), uint32(len(bytes))}
}

// PushString adds a string.
func (a *Arena) PushString(text string) Span {
	start := len(*a)
	*a = append(*a, text...)
	return Span{uint32(start), uint32(len(text))}
}

// PushOption adds bytes, or nothing for nil.
func (a *Arena) PushOption(bytes []byte) Span {
	if bytes == nil {
		return Absent
	}
	return a.Push(bytes)
}

// Write adds bytes; it implements io.Writer.
func (a *Arena) Write(bytes []byte) (int, error) {
	*a = append(*a, bytes...)
	return len(bytes), nil
}

// Reset empties the arena and makes room for `size` bytes.
func (a *Arena) Reset(size int) {
	*a = slices.Grow((*a)[:0], size)
}
