//go:build !wasip1

package guest

// Times is the time at each record of a test's run.
var Times []int64
