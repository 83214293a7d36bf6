package guest

import (
	"unicode/utf8"
	"unsafe"
)

// Go ends the program without a panic for a deadlock, concurrent writes to a
// map, a stack overflow, and a panic in a goroutine of the author's. It prints
// why, byte by byte; this reports it.
//
// The function runs on the stack of the scheduler, at any moment: it must
// neither allocate nor block.

// overrideWrite is called instead of writing to standard error.
//
//go:linkname overrideWrite runtime.overrideWrite
var overrideWrite func(fd uintptr, text unsafe.Pointer, length int32) int32

func init() { overrideWrite = hear }

// report is the message, and then the place.
var report [512]byte

// said is the length of the message, 0 before there is one; placed is whether the
// place follows it.
var (
	said   int
	placed bool
)

// line is the current line; inMain is whether the last one named a function of
// package main, whose file and line follow.
var (
	line   [512]byte
	length int
	inMain bool
)

func hear(_ uintptr, text unsafe.Pointer, size int32) int32 {
	for _, c := range unsafe.Slice((*byte)(text), size) {
		switch {
		case c == '\n':
			hearLine()
			length = 0
		case length < len(line):
			line[length] = c
			length++
		}
	}
	return size
}

// hearLine reports the message at once, and again with its place: not every
// message is followed by one.
func hearLine() {
	switch {
	case said == 0 && (begins("fatal error: ") || begins("panic: ")):
		said = copy(report[:], line[:length])
		tell()
	case said != 0 && inMain && !placed && begins("\t"):
		placed = true
		said += copy(report[said:], ", at ")
		said += copy(report[said:], placeIn(line[:length]))
		tell()
	}
	inMain = begins("main.")
}

// tell reports what there is. The host refuses strings that are not UTF-8, and
// this one may have been cut.
func tell() {
	if !utf8.Valid(report[:said]) {
		for i, c := range report[:said] {
			if c >= utf8.RuneSelf {
				report[i] = '?'
			}
		}
	}
	panicked(Record, unsafe.Pointer(&report), uint32(said))
}

// placeIn is the `main.go:7` of a line such as `\tfolder/main.go:7 +0x2`.
func placeIn(line []byte) []byte {
	start := 0
	for i, c := range line {
		if c == '/' || c == '\t' {
			start = i + 1
		}
		if c == ' ' {
			return line[start:i]
		}
	}
	return line[start:]
}

func begins(prefix string) bool {
	return length >= len(prefix) && string(line[:len(prefix)]) == prefix
}
