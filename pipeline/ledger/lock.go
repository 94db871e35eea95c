package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked is wrapped when another run of the same mapping to the same org is under way.
var ErrLocked = errors.New("another run of this mapping to this org is under way")

// ErrClaimed is wrapped when another process is at work on the same run.
var ErrClaimed = errors.New("another process is at work on this run")

// Holder is who holds a lock.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
}

// Lock keeps a second run of a mapping to an org, or a second process at a run, away. The operating system drops it
// when the process ends, however that happens, so there are no stale locks on one machine.
type Lock struct{ f *flock.Flock }

// Acquire takes the lock for a mapping and an org in the state directory, waiting up to wait
// for another holder to end.
func Acquire(ctx context.Context, stateDir, mapping, orgID string, wait time.Duration, me Holder) (*Lock, error) {
	dir := filepath.Join(stateDir, "locks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: lock: %w", ErrLedger, err)
	}
	sum := sha256.Sum256([]byte(mapping + "\x00" + orgID))
	return take(ctx, filepath.Join(dir, hex.EncodeToString(sum[:8])+".lock"), ErrLocked, wait, me)
}

// Claim takes the lock of a run's directory. Processes with other state directories, which that of [Acquire] does not
// keep apart, would else go on with one run at once.
func Claim(ctx context.Context, runDir string, wait time.Duration, me Holder) (*Lock, error) {
	return take(ctx, filepath.Join(runDir, ".lock"), ErrClaimed, wait, me)
}

// take locks a file, and says beside it who has it. If another process holds it, the error is held.
func take(ctx context.Context, path string, held error, wait time.Duration, me Holder) (*Lock, error) {
	f := flock.New(path, flock.SetPermissions(0o600))
	ok, err := f.TryLock()
	if err == nil && !ok && wait > 0 {
		waiting, cancel := context.WithTimeout(ctx, wait)
		ok, err = f.TryLockContext(waiting, 100*time.Millisecond)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: lock %s: %w", ErrLedger, path, err)
	}
	info := path + ".json" // beside the lock, since Windows lets nobody read a locked file
	if !ok {
		var h Holder
		if text, err := os.ReadFile(info); err == nil && json.Unmarshal(text, &h) == nil {
			return nil, fmt.Errorf("%w: process %d on %s, since %s: wait with --lock-wait, or stop it",
				held, h.PID, h.Host, h.Started.Format(time.RFC3339))
		}
		return nil, fmt.Errorf("%w: wait with --lock-wait, or stop it", held)
	}
	text, err := json.Marshal(me)
	if err == nil {
		err = os.WriteFile(info, text, 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: lock: %w", ErrLedger, err), f.Unlock())
	}
	return &Lock{f}, nil
}

// Release gives the lock back.
func (l *Lock) Release() error {
	if err := l.f.Unlock(); err != nil {
		return fmt.Errorf("%w: unlock: %w", ErrLedger, err)
	}
	return nil
}
