package guest

import "unsafe"

// mainMain is the plugin's main, which calls Main of its kind. A reactor's main
// is not run by itself.
//
//go:linkname mainMain main.main
func mainMain()

// A Result is `result<_, string>`, as it crosses the boundary. The text is
// kept until the next call.
type Result struct {
	failed  uint32
	payload List
	text    string
}

// Configure runs the plugin's main, which must call Main of its kind, and then
// `start` with the configuration. It returns what `start` fails with.
func Configure(json unsafe.Pointer, length uint32, start func(config string) error) *Result {
	defer Report()
	config := string(Lift[byte](json, length))
	Done()
	mainMain()
	result.failed, result.payload, result.text = 0, List{}, ""
	err := start(config)
	EndLines()
	if err != nil {
		result.text = err.Error()
		result.failed = 1
		result.payload = ListOf(unsafe.Slice(unsafe.StringData(result.text), len(result.text)))
	}
	return &result
}

var result Result

// Flags sets the flags that a configured route returns.
func (r *Result) Flags(flags uint32) {
	if r.failed == 0 {
		r.payload.pointer = flags
	}
}

// Pointer is the result's place in memory.
func (r *Result) Pointer() unsafe.Pointer { return unsafe.Pointer(r) }
