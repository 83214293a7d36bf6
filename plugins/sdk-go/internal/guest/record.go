// Package guest is the side of the boundary that WebAssembly needs: memory for
// arguments, the report of a panic, the call of main.
package guest

// none is the index where there is no current record.
const none = ^uint32(0)

var record = none

// SetRecord notes the index of the current record, for the report of a panic.
func SetRecord(index uint32) { record = index }

// A Fault is what the SDK panics with for a fault of the plugin that has no
// place in its code.
type Fault string
