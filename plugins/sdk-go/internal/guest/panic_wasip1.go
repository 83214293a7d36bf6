package guest

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// panicked tells the host the record and the message, just before the trap.
//
//go:wasmimport millstream:plugin/diagnostics@0.1.0 panicked
func panicked(record uint32, message unsafe.Pointer, length uint32)

// Report reports a panic of the author's code and ends the instance. Defer it in
// every export.
func Report() {
	switch reason := recover().(type) {
	case nil:
	case Fault:
		fail(string(reason))
	default:
		fail("panicked" + place() + ": " + describe(reason))
	}
}

func fail(message string) {
	EndLines()
	// The host refuses other strings.
	message = strings.ToValidUTF8(message, "\uFFFD")
	panicked(Record, unsafe.Pointer(unsafe.StringData(message)), uint32(len(message)))
	syscall.Exit(2)
}

// MustBe reports a call that came before the configuration.
func MustBe(configured bool) {
	if !configured {
		panic(Fault("the plugin was called before it was configured"))
	}
}

func describe(reason any) string {
	switch reason := reason.(type) {
	case error:
		return reason.Error()
	case fmt.Stringer:
		return reason.String()
	}
	return fmt.Sprint(reason)
}

// place is the file and the line of the author's code that panicked, or that
// called the function of a library which did.
func place() string {
	var callers [64]uintptr
	found := callers[:runtime.Callers(3, callers[:])]
	folder := mainFolder(found)
	frames := runtime.CallersFrames(found)
	for {
		frame, more := frames.Next()
		if file, ok := strings.CutPrefix(frame.File, folder); ok && folder != "" {
			return fmt.Sprintf(" at %s:%d", file, frame.Line)
		}
		if !more {
			return ""
		}
	}
}

// mainFolder is the folder of package main, with which the paths of the author's
// files begin; empty if none of its functions is running.
func mainFolder(callers []uintptr) string {
	frames := runtime.CallersFrames(callers)
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "main.") {
			return frame.File[:strings.LastIndexByte(frame.File, '/')+1]
		}
		if !more {
			return ""
		}
	}
}
