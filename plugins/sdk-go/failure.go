package millstream

import "fmt"

// A Class is the class of a failure, by which the dead-letter policy decides.
type Class uint32

const (
	// ClassRejected: the record was understood and is not acceptable.
	ClassRejected Class = iota
	// ClassMalformed: the record could not be read.
	ClassMalformed
	// ClassUnaddressable: no client or group could be named for the record.
	ClassUnaddressable
	// ClassTransient: the same record may succeed later.
	ClassTransient
)

// String returns the class's name, as in dead letters.
func (c Class) String() string {
	names := [...]string{"rejected", "malformed", "unaddressable", "transient"}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("Class(%d)", uint32(c))
}

// A Failure says why a record can't become events: a class, and a message for
// the reader of the dead letter. Say what was wrong and where. The host keeps
// the first 1,024 bytes of the message.
type Failure struct {
	Class   Class
	Message string
}

// Error returns the message.
func (f *Failure) Error() string { return f.Message }

// Rejected fails a record that was understood and is not acceptable.
func Rejected(message string) error { return &Failure{ClassRejected, message} }

// Malformed fails a record that could not be read.
func Malformed(message string) error { return &Failure{ClassMalformed, message} }

// Unaddressable fails a record for which no client or group can be named.
func Unaddressable(message string) error { return &Failure{ClassUnaddressable, message} }

// Transient fails a record that may succeed if it is retried.
func Transient(message string) error { return &Failure{ClassTransient, message} }
