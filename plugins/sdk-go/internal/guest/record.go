// Package guest is the side of the boundary that WebAssembly needs: memory for
// arguments, the report of a panic, the call of main.
package guest

// none is the index where there is no current record.
const none = ^uint32(0)

// Record is the index of the current record: for the report of a panic, and for
// what the plugin asks or tells the host about it.
var Record = none

// EndLines is called when a record ends. The log package sets it.
var EndLines = func() {}

// SetRecord begins a record.
func SetRecord(index uint32) {
	EndLines()
	Record = index
}

// A Fault is what the SDK panics with for a fault of the plugin that has no
// place in its code.
type Fault string
