// Package log writes lines to the daemon's log, about the current record.
//
//	log.Warn("odd total %v", order.Total)
//
// A plugin that imports this package needs the capability `log`: without
// `capabilities = ["log"]` in its table of the daemon's configuration it does not
// go live.
//
// Importing it also logs what the plugin prints, a line for each line feed and
// for an unfinished line at the end of a record: standard output (fmt.Println) as
// info, standard error and Go's own package log as warnings (without its date and
// time, which would be constant). To log only what is printed, use
// `import _ "millstream/log"`. Without this package, prints are discarded.
//
// The daemon adds the plugin, the partition and the offset of the record. It keeps
// the first 1,024 bytes of a line and 100 lines of a call, and then ten lines a
// second. A record that is processed again is logged again. In `go test` lines go
// to standard error, once for each time that the test runs the record.
package log

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A level is the contract's number of how severe a line is.
type level uint32

const (
	levelError level = iota
	levelWarn
	levelInfo
	levelDebug
)

// Error logs that something failed. It formats as fmt.Printf does.
func Error(format string, args ...any) { write(levelError, fmt.Sprintf(format, args...)) }

// Warn logs that something is odd.
func Warn(format string, args ...any) { write(levelWarn, fmt.Sprintf(format, args...)) }

// Info logs that something happened.
func Info(format string, args ...any) { write(levelInfo, fmt.Sprintf(format, args...)) }

// Debug logs a line for whoever looks for a fault.
func Debug(format string, args ...any) { write(levelDebug, fmt.Sprintf(format, args...)) }

// most is how many bytes of a line the daemon keeps.
const most = 1024

// kept is what the daemon accepts and keeps of a line: UTF-8, cut at a character.
func kept(line string) string {
	line = strings.ToValidUTF8(line[:min(len(line), most+utf8.UTFMax)], "\uFFFD")
	if len(line) <= most {
		return line
	}
	end := most
	for !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end]
}
