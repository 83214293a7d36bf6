package millstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// depth is how deep JSON may be nested, as in the Rust SDK. The stack of a
// plugin is small, and a parser that exceeds it ends the call.
const depth = 128

// ParseJSON is for the SDK's own packages: it parses all of `text`. Its error is
// Malformed.
func ParseJSON(text []byte, into any) error {
	if mark := byteOrderMark(text); mark != "" {
		return Malformed("not the expected JSON: " + mark)
	}
	if at := tooDeep(text); at >= 0 {
		return notJSON("recursion limit exceeded", at)
	}
	err := json.Unmarshal(text, into)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	var failure *Failure
	switch {
	case errors.As(err, &syntax) && syntax.Error() == "unexpected end of JSON input":
		return notJSON(syntax.Error(), len(text))
	case errors.As(err, &syntax):
		// The offset is after the byte that is wrong.
		return notJSON(syntax.Error(), max(int(syntax.Offset)-1, 0))
	case errors.As(err, &wrongType):
		return notJSON(strings.TrimPrefix(err.Error(), "json: "), int(wrongType.Offset))
	case errors.As(err, &failure):
		// A type of the author's with UnmarshalJSON chose the class.
		return err
	}
	return Malformed("not the expected JSON: " + strings.TrimPrefix(err.Error(), "json: "))
}

func notJSON(why string, at int) error {
	return Malformed("not the expected JSON: " + why + ", at byte " + itoa(at))
}

// byteOrderMark names the mark that some programs write before JSON, which must
// not have it (RFC 8259, section 8.1).
func byteOrderMark(text []byte) string {
	if bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		return "it begins with a byte order mark (EF BB BF), which the producer must leave out"
	}
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return "it begins with the byte order mark of UTF-16, and JSON is UTF-8"
	}
	return ""
}

// tooDeep returns the byte at which the nesting exceeds the limit, or -1.
func tooDeep(text []byte) int {
	if !hasManyBrackets(text) {
		return -1
	}
	level, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			if level++; level > depth {
				return i
			}
		case c == ']' || c == '}':
			level--
		}
	}
	return -1
}

// hasManyBrackets spares most records the look at their strings.
func hasManyBrackets(text []byte) bool {
	if len(text) <= depth {
		return false
	}
	count := 0
	for _, c := range text {
		if c|0x20 == '{' {
			count++
		}
	}
	return count > depth
}

// strictJSON parses an object whose keys must all be known.
func strictJSON(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}

func invalidUTF8(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

func itoa(n int) string { return strconv.Itoa(n) }
