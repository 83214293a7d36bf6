//go:build !wasip1

package log

import (
	"fmt"
	"os"
)

// write is where the lines of a test go.
func write(level level, line string) {
	names := [...]string{"error", "warn", "info", "debug"}
	fmt.Fprintf(os.Stderr, "%s: %s\n", names[level], kept(line))
}
