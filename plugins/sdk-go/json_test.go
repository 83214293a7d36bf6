package millstream

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestAFailureNamesTheByte(t *testing.T) {
	type order struct {
		ID    uint64 `json:"id"`
		Items []any  `json:"items"`
	}
	deep := strings.Repeat("[", 200)
	for text, expected := range map[string]string{
		"[1 x]":                    "invalid character 'x' after array element, at byte 3",
		"not JSON":                 "invalid character 'o' in literal null (expecting 'u'), at byte 1",
		"":                         "unexpected end of JSON input, at byte 0",
		`{"id":`:                   "unexpected end of JSON input, at byte 6",
		`{"id":1} 2`:               "invalid character '2' after top-level value, at byte 9",
		`{"items":` + deep:         "recursion limit exceeded, at byte 136",
		"\xef\xbb\xbf{}":           "it begins with a byte order mark (EF BB BF), which the producer must leave out",
		"\xff\xfe{\x00}\x00":       "it begins with the byte order mark of UTF-16, and JSON is UTF-8",
		`{"items":"` + deep + `"}`: "cannot unmarshal string into Go struct field order.items of type []interface {}, at byte 211",
	} {
		var order order
		err := ParseJSON([]byte(text), &order)
		var failure *Failure
		if !errors.As(err, &failure) || failure.Class != ClassMalformed {
			t.Fatalf("%q: %v", text, err)
		}
		if failure.Message != "not the expected JSON: "+expected {
			t.Errorf("%q:\n%s\n%s", text, failure.Message, expected)
		}
	}
}

func TestBracketsInStringsAreNotNesting(t *testing.T) {
	var text string
	long := `"` + strings.Repeat(`[\"`, 200) + `"`
	if err := ParseJSON([]byte(long), &text); err != nil || len(text) != 400 {
		t.Fatal(len(text), err)
	}
}

func TestAConfigurationRefusesUnknownKeys(t *testing.T) {
	var plugin struct {
		Topic      string     `json:"topic"`
		Tombstones Tombstones `json:"tombstones"`
	}
	for text, expected := range map[string]string{
		`{}`:                     "",
		`{"topic":"a"}`:          "",
		`{"tombstones":"event"}`: "",
		`{"topc":"a"}`:           "config: unknown key `topc`",
		`{"topic":1}`:            "config: `topic` must be of Go's type string, not a number",
		`{"tombstones":"never"}`: "config: unknown way `never` to handle tombstones: use skip, fail or event",
	} {
		err := ConfigOf(text).Parse(&plugin)
		if got := words(err); got != expected {
			t.Errorf("%s: %s", text, got)
		}
	}
	if got := words(ConfigOf(`{"b":1,"a":2}`).None()); got != "config: unknown key `a`; this plugin has no configuration" {
		t.Error(got)
	}
	if plugin.Topic != "a" || plugin.Tombstones != TombstonesEvent {
		t.Error(plugin)
	}
	if ConfigOf("{}").None() != nil || ConfigOf("{}").JSON() != "{}" || !json.Valid([]byte("{}")) {
		t.Error("an empty table is refused")
	}
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
