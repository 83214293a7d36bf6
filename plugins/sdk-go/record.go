package millstream

import (
	"millstream/internal/flat"
)

// A Record is a Kafka record. Slices that it returns are valid until the call of
// the plugin ends and must not be changed: to keep bytes, copy them. Strings are
// copies.
type Record struct {
	batch  *flat.Batch
	record *flat.KafkaRecord
}

// RecordOf is for the SDK's own packages.
func RecordOf(batch *flat.Batch, index uint32) Record {
	return Record{batch, &batch.Records[index]}
}

// A Header is a header of a Kafka record. A nil value is absent, which is not
// the same as empty.
type Header struct {
	Name  string
	Value []byte
}

// Topic returns the topic that it was read from.
func (r Record) Topic() string { return r.batch.Topic }

// Partition returns the partition that it was read from.
func (r Record) Partition() int32 { return r.batch.Partition }

// Offset returns its offset in that partition.
func (r Record) Offset() int64 { return r.record.Offset }

// Timestamp returns its timestamp in milliseconds since 1970-01-01 UTC, and
// false if Kafka has none. It may be less than that of the record before: see
// millstream/clock.
func (r Record) Timestamp() (millis int64, ok bool) {
	return r.record.Timestamp, r.record.Timestamp >= 0
}

// Key returns the key, or nil if it is absent.
func (r Record) Key() []byte { return r.record.Key.Of(r.batch.Arena) }

// Value returns the value, or nil for a tombstone. Absent is not empty.
func (r Record) Value() []byte { return r.record.Value.Of(r.batch.Arena) }

// Headers returns the headers in order; a name may repeat.
func (r Record) Headers() []Header {
	own := flat.HeadersFrom(r.batch.Headers, r.record.FirstHeader, r.record.HeaderCount)
	headers := make([]Header, len(own))
	for i, h := range own {
		headers[i] = Header{string(h.Name.Of(r.batch.Arena)), h.Value.Of(r.batch.Arena)}
	}
	return headers
}

// Header returns the value of the last header with this name, as in Kafka's
// clients; nil if there is none or its value is absent.
func (r Record) Header(name string) []byte {
	own := flat.HeadersFrom(r.batch.Headers, r.record.FirstHeader, r.record.HeaderCount)
	for i := len(own) - 1; i >= 0; i-- {
		if string(own[i].Name.Of(r.batch.Arena)) == name {
			return own[i].Value.Of(r.batch.Arena)
		}
	}
	return nil
}

// Text returns the value as text. It fails as Malformed if the value is absent
// or is not UTF-8.
func (r Record) Text() (string, error) {
	value := r.Value()
	if value == nil {
		return "", Malformed(tombstone)
	}
	if at := invalidUTF8(value); at >= 0 {
		return "", Malformed("the value is not UTF-8 at byte " + itoa(at))
	}
	return string(value), nil
}

// JSON parses the value as JSON into `into`, a pointer, as json.Unmarshal does.
// It fails as Malformed with the reason and the byte, also for a tombstone.
//
// A field that the JSON lacks keeps the value that it has in `into`: check the
// fields that a record must have.
func (r Record) JSON(into any) error {
	value := r.Value()
	if value == nil {
		return Malformed(tombstone)
	}
	return ParseJSON(value, into)
}

const tombstone = "the record has no value (a tombstone)"

// PushHeaders is for the SDK's own packages: it lowers headers.
func PushHeaders(lowered []flat.Header, arena *flat.Arena, headers []Header) []flat.Header {
	for _, h := range headers {
		lowered = append(lowered, flat.Header{
			Name:  arena.PushString(h.Name),
			Value: arena.PushOption(h.Value),
		})
	}
	return lowered
}
