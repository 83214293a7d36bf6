package clock

import "millstream/internal/guest"

//go:wasmimport millstream:plugin/clock@0.1.0 at
func at(record uint32) int64

func now() int64 { return at(guest.Record) }
