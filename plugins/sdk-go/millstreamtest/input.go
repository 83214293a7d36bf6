// Package millstreamtest runs a plugin natively, in `go test`, through the same
// flat batches as the host and with the host's checks of its answers, so that it
// behaves as in the daemon.
//
// A plugin must give the same answer for the same record. Each run is repeated in
// another order and in other batches, and the test fails if an answer changes. A
// transform with state runs each record twice on the same values.
//
// Time is that of the test's records so far: see millstream/clock.
package millstreamtest

import "millstream/internal/flat"

// A Record is a test record. Its topic is `topic`, its partition 0, its offset
// its index in the test.
type Record struct {
	key, value []byte
	headers    []header
	timestamp  int64
}

type header struct {
	name  string
	value []byte
}

// Value is a record with this value and nothing else.
func Value(value string) Record { return Record{value: []byte(value), timestamp: -1} }

// Tombstone is a record without a value.
func Tombstone() Record { return Record{timestamp: -1} }

// Key sets its key.
func (r Record) Key(key string) Record {
	r.key = []byte(key)
	return r
}

// Header adds a header; a nil value is absent.
func (r Record) Header(name string, value []byte) Record {
	r.headers = append(r.headers[:len(r.headers):len(r.headers)], header{name, value})
	return r
}

// Timestamp sets its timestamp, in milliseconds since 1970-01-01 UTC.
func (r Record) Timestamp(millis int64) Record {
	r.timestamp = millis
	return r
}

// batch lays records out in the boundary's format. Offsets are their indices in
// the test, whichever are in the batch.
func batch(records []Record, indices []int) *flat.Batch {
	var arena flat.Arena
	batch := &flat.Batch{Topic: "topic"}
	arena.PushString(batch.Topic)
	for _, index := range indices {
		record := &records[index]
		first := len(batch.Headers)
		for _, h := range record.headers {
			batch.Headers = append(batch.Headers, flat.Header{
				Name:  arena.PushString(h.name),
				Value: arena.PushOption(h.value),
			})
		}
		batch.Records = append(batch.Records, flat.KafkaRecord{
			Offset:      int64(index),
			Timestamp:   record.timestamp,
			Key:         arena.PushOption(record.key),
			Value:       arena.PushOption(record.value),
			FirstHeader: uint32(first),
			HeaderCount: uint32(len(record.headers)),
		})
	}
	batch.Arena = arena
	return batch
}

// A clock is the time of a test: the largest timestamp so far, or -1.
type clock int64

// at returns the time at a record, which comes next.
func (c *clock) at(record Record) int64 {
	*c = max(*c, clock(record.timestamp))
	return int64(*c)
}

// times returns the time at each of the records, which come next.
func (c *clock) times(records []Record) []int64 {
	times := make([]int64, len(records))
	for i, record := range records {
		times[i] = c.at(record)
	}
	return times
}
