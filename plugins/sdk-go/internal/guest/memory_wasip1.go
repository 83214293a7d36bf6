package guest

import (
	"runtime/debug"
	"unsafe"
)

// softLimit is the size of the memory, in bytes, near which Go collects garbage
// more often: a plugin has 64 MiB unless it is configured otherwise. An author may
// set another one in main.
const softLimit = 48 << 20

func init() { debug.SetMemoryLimit(softLimit) }

var (
	// buffers hold the arguments of a call, and are kept for the next one. Memory
	// never gets less, so giving them back would serve nothing. Of uint64, for
	// their alignment.
	buffers [][]uint64
	// used is how many of them hold arguments of the current call.
	used int
)

// realloc is called by the host for each list of a call's arguments.
//
//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, _, size uint32) unsafe.Pointer {
	fresh := buffer(int(size+7) / 8)
	if old != nil {
		copy(bytesOf(fresh, oldSize), unsafe.Slice((*byte)(old), oldSize))
	}
	return unsafe.Pointer(unsafe.SliceData(fresh))
}

func buffer(words int) []uint64 {
	words = max(words, 1)
	if used == len(buffers) {
		buffers = append(buffers, nil)
	}
	if cap(buffers[used]) < words {
		// The old one goes first, and the next batch may be a little larger.
		buffers[used] = nil
		buffers[used] = make([]uint64, words+words/4)
	}
	used++
	return buffers[used-1][:words]
}

func bytesOf(words []uint64, size uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
}

// Done ends the use of a call's arguments, and its last record.
func Done() {
	EndLines()
	used = 0
}

// A List is a list, as it crosses the boundary.
type List struct{ pointer, length uint32 }

// ListOf lowers a list. Its memory must be kept until the next call.
func ListOf[T any](list []T) List {
	return List{pointerOf(unsafe.Pointer(unsafe.SliceData(list))), uint32(len(list))}
}

// Pointer is where the list's memory begins.
func (l List) Pointer() unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), l.pointer) }

// Length is the number of its items.
func (l List) Length() uint32 { return l.length }

// Lifted returns a list that is a part of an argument. It is valid until Done.
func Lifted[T any](list List) []T { return Lift[T](list.Pointer(), list.length) }

// Lift returns a list of the arguments. It is valid until Done.
func Lift[T any](pointer unsafe.Pointer, length uint32) []T {
	if length == 0 {
		return nil
	}
	return unsafe.Slice((*T)(pointer), length)
}

func pointerOf(pointer unsafe.Pointer) uint32 { return uint32(uintptr(pointer)) }
