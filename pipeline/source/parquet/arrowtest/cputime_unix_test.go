//go:build unix

package arrowtest

import (
	"syscall"
	"time"
)

// cpuTime is the processor time this process has used: unlike the time of day it does not pass
// while the machine does other things.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err) // it cannot fail with these arguments
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
