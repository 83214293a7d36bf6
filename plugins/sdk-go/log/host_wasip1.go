package log

import (
	standard "log"
	"unsafe"

	"millstream/internal/guest"
)

//go:wasmimport millstream:plugin/log@0.1.0 write
func hostWrite(record, level uint32, message unsafe.Pointer, length uint32)

func write(level level, line string) {
	line = kept(line)
	hostWrite(guest.Record, uint32(level), unsafe.Pointer(unsafe.StringData(line)), uint32(len(line)))
}

// An unfinished line is what was printed after the last line feed. Of a longer one
// the rest is only counted. The adapter, which receives what is printed, writes
// here (host/src/authoring/build/adapter-log.wat).
type unfinished struct {
	length uint32
	text   [most + 4]byte
}

// printed is what was printed to standard output and standard error.
var printed [2]unfinished

// keepLines tells the adapter where things are. Before, it discards what is printed.
//
//go:wasmimport wasi_snapshot_preview1 millstream_keep_lines
func keepLines(record, printed unsafe.Pointer)

func init() {
	standard.SetFlags(0)
	guest.EndLines = endLines
	keepLines(unsafe.Pointer(&guest.Record), unsafe.Pointer(&printed))
}

func endLines() {
	for i, level := range [...]level{levelInfo, levelWarn} {
		line := &printed[i]
		if line.length > 0 {
			text := line.text[:min(int(line.length), len(line.text))]
			line.length = 0
			write(level, string(text))
		}
	}
}
