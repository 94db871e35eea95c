//go:build !unix

package arrowtest

import "time"

// cpuTime is the time of day where there is no way to the processor time of a process.
func cpuTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
