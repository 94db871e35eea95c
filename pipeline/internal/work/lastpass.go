package work

import "time"

// LastPass says how records are sent whose failure may pass (another transaction's lock, load) and that have
// failed as often as records are sent beside others. They wait until nothing else of the run is under way, or
// until nothing more can be read before they are decided, and then go with one request in flight, in smaller
// groups: what still holds their locks is not this run. The zero LastPass sends none.
type LastPass struct {
	// Wait says how long to wait before records are sent for the nth time in the last pass, from 1, and
	// false once there have been enough. It is safe for concurrent use.
	Wait func(attempt int) (time.Duration, bool)
	// Begun, if set, is told of every round: the attempt, the highest of its records', and how many there are.
	Begun func(attempt, records int)
}
