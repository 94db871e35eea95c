package ui

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Counts is how far a run has come.
type Counts struct {
	// Read rows, of which Done have their outcome; Failed of those failed or are unknown.
	Read, Done, Failed int64
	// Calls to the org so far.
	Calls int64
	// Bytes of the input files that were read, of TotalBytes; 0 where the total is unknown.
	Bytes, TotalBytes int64
}

// doneBytes is how much of the input is done with: reading is ahead of the org.
func (n Counts) doneBytes() int64 {
	if n.Read <= 0 {
		return 0
	}
	share := min(1, float64(n.Done)/float64(n.Read))
	return min(int64(float64(n.Bytes)*share), n.TotalBytes)
}

// Progress modes.
const (
	ProgressAuto  = "auto"
	ProgressBar   = "bar"
	ProgressPlain = "plain"
	ProgressNone  = "none"
)

const (
	barEvery   = 200 * time.Millisecond
	plainEvery = 30 * time.Second
)

// Progress shows how far a run has come until stop is called: a bar on a terminal, else a
// line every 30 seconds. counts is polled and must be safe for concurrent use. stop may be
// called more than once; it returns after the last line is drawn and the bar is gone.
func (c *Console) Progress(mode string, counts func() Counts) (stop func()) {
	if mode == ProgressAuto || mode == "" {
		mode = ProgressBar
	}
	if mode == ProgressBar && (!c.o.ErrTTY || c.log != nil) {
		mode = ProgressPlain
	}
	if mode == ProgressNone || c.o.Quiet {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if mode == ProgressBar {
			c.drawBar(quit, counts)
		} else {
			c.plain(quit, counts)
		}
	}()
	var once sync.Once
	return func() {
		once.Do(func() { close(quit) })
		<-done
	}
}

func (c *Console) plain(quit <-chan struct{}, counts func() Counts) {
	start := c.o.Now()
	t := time.NewTicker(plainEvery)
	defer t.Stop()
	for {
		select {
		case <-quit:
			return
		case <-t.C:
			c.Infof("%s", progressLine(counts(), c.o.Now().Sub(start)))
		}
	}
}

func progressLine(n Counts, elapsed time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s read, %s done, %s failed, %s", Elapsed(elapsed), Rows(n.Read),
		Count(n.Done), Count(n.Failed), Plural(n.Calls, "API call", "API calls"))
	if s := elapsed.Seconds(); s >= 1 {
		fmt.Fprintf(&b, ", %s/s", Rows(int64(float64(n.Done)/s)))
	}
	if n.TotalBytes > 0 {
		fmt.Fprintf(&b, ", %d%% of the input", 100*n.doneBytes()/n.TotalBytes)
	}
	return b.String()
}

// barWriter hands the library a plain writer: on an *os.File it would sync the file with
// every frame, and a frame must not tear a line of text.
type barWriter struct{ c *Console }

func (w barWriter) Write(p []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.bar = true
	return w.c.o.Err.Write(p)
}

// drawBar polls the counters: workers only ever add to atomics. The bar follows the bytes of
// the input, since the number of rows is not known before the end; without a total (stdin)
// there is a running count instead.
func (c *Console) drawBar(quit <-chan struct{}, counts func() Counts) {
	start := c.o.Now()
	t := time.NewTicker(barEvery)
	defer t.Stop()
	var bar *progressbar.ProgressBar
	for {
		select {
		case <-quit:
			if bar != nil {
				bar.Exit() //nolint:errcheck // it always returns nil
			}
			c.mu.Lock()
			c.wipe()
			c.mu.Unlock()
			return
		case <-t.C:
		}
		n := counts()
		elapsed := c.o.Now().Sub(start)
		text := fmt.Sprintf("%s, %s failed, %s", Rows(n.Done), Count(n.Failed), Plural(n.Calls, "API call", "API calls"))
		if n.TotalBytes <= 1 || n.doneBytes() == 0 {
			// The library's bar of unknown length would start a goroutine of its own.
			fmt.Fprintf(barWriter{c}, "\r\x1b[2K%s %s", Elapsed(elapsed), text) // nobody is left to tell
			continue
		}
		if bar == nil {
			bar = progressbar.NewOptions64(n.TotalBytes,
				progressbar.OptionSetWriter(barWriter{c}),
				progressbar.OptionUseANSICodes(true),
				progressbar.OptionSetWidth(24),
				progressbar.OptionShowDescriptionAtLineEnd(),
				progressbar.OptionSetElapsedTime(true),
				progressbar.OptionSetPredictTime(true))
		}
		// A full bar counts as finished and would not be drawn again, while the last rows
		// are still on their way.
		bar.Set64(min(n.doneBytes(), n.TotalBytes-1)) //nolint:errcheck // an error says that the value is out of range, which min excludes
		bar.Describe(text)                            // draws
	}
}
