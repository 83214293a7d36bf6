package guest

import (
	"unsafe"

	"millstream/internal/flat"
)

// batch is the current call's; kept, so that a call allocates nothing for it.
var batch flat.Batch

// Batch lifts what every call brings.
func Batch(
	arena unsafe.Pointer, arenaLength, topicStart, topicLength uint32, partition int32,
	records unsafe.Pointer, recordCount uint32, headers unsafe.Pointer, headerCount uint32,
) *flat.Batch {
	batch.Arena = Lift[byte](arena, arenaLength)
	topic := flat.Span{Start: topicStart, Length: topicLength}.Of(batch.Arena)
	if string(topic) != batch.Topic {
		batch.Topic = string(topic)
	}
	batch.Partition = partition
	batch.Records = Lift[flat.KafkaRecord](records, recordCount)
	batch.Headers = Lift[flat.Header](headers, headerCount)
	return &batch
}
