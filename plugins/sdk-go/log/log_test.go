package log

import (
	"io"
	"os"
	"strings"
	"testing"
)

func TestALineIsCutAtACharacterAndIsUTF8(t *testing.T) {
	umlauts := strings.Repeat("ü", 512)
	for line, expected := range map[string]string{
		"":                    "",
		"a\xffb":              "a\uFFFDb",
		umlauts:               umlauts,
		umlauts + "x":         umlauts,
		"x" + umlauts:         "x" + umlauts[:1022],
		umlauts + "\xf0\x9f":  umlauts,
		umlauts[:1022] + "🎉x": umlauts[:1022],
	} {
		if got := kept(line); got != expected {
			t.Errorf("%q: %q, not %q", line, got, expected)
		}
	}
}

func TestInTestsLinesGoToStandardError(t *testing.T) {
	before := os.Stderr
	defer func() { os.Stderr = before }()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = writer
	Error("1 of %d", 2)
	Warn("odd")
	Info("100%%")
	Debug("%v", []int{1})
	writer.Close()
	got, err := io.ReadAll(reader)
	if expected := "error: 1 of 2\nwarn: odd\ninfo: 100%\ndebug: [1]\n"; err != nil || string(got) != expected {
		t.Errorf("%q, not %q", got, expected)
	}
}
