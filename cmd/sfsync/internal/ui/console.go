package ui

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sfsync/mapping/diag"
)

// Options says where a Console writes and how.
type Options struct {
	Out, Err io.Writer
	// ErrTTY says whether a person is reading the messages.
	ErrTTY bool
	// Colour allows colour on stderr; it is used only with ErrTTY.
	Colour bool
	// Quiet drops everything on stderr but errors and the line that names a failure's exit code.
	Quiet bool
	// JSONLogs writes stderr as one JSON object a line.
	JSONLogs bool
	// Now gives the times of log lines and progress.
	Now func() time.Time
}

// Console writes to a user. It is safe for concurrent use: lines never interleave, and a
// line wipes the progress bar first.
type Console struct {
	o   Options
	log *slog.Logger // nil for text

	mu  sync.Mutex
	bar bool // a bar stands on the last line of stderr
}

// New returns a console.
func New(o Options) *Console {
	c := &Console{o: o}
	if o.JSONLogs {
		c.log = slog.New(slog.NewJSONHandler(lineWriter{c}, nil))
	}
	return c
}

// lineWriter writes whole lines to stderr under the console's lock.
type lineWriter struct{ c *Console }

func (w lineWriter) Write(p []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.wipe()
	return w.c.o.Err.Write(p)
}

// wipe removes the bar. The caller holds the lock.
func (c *Console) wipe() {
	if c.bar {
		io.WriteString(c.o.Err, "\r\x1b[2K") //nolint:errcheck // nobody is left to tell
		c.bar = false
	}
}

func (c *Console) line(s string) {
	io.WriteString(lineWriter{c}, s+"\n") //nolint:errcheck // nobody is left to tell
}

// The colours of stderr.
const (
	red    = "31"
	yellow = "33"
	dim    = "2"
)

func (c *Console) paint(colour, s string) string {
	if !c.o.Colour || !c.o.ErrTTY {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// Out returns where results go.
func (c *Console) Out() io.Writer { return c.o.Out }

// Quiet reports whether only errors are wanted.
func (c *Console) Quiet() bool { return c.o.Quiet }

// Infof tells the user something that is good to know.
func (c *Console) Infof(format string, args ...any) {
	if c.o.Quiet {
		return
	}
	if c.log != nil {
		c.log.Info(fmt.Sprintf(format, args...))
		return
	}
	c.line(safe(fmt.Sprintf(format, args...)))
}

// Warnf tells the user something that may be wrong.
func (c *Console) Warnf(format string, args ...any) {
	if c.o.Quiet {
		return
	}
	if c.log != nil {
		c.log.Warn(fmt.Sprintf(format, args...))
		return
	}
	c.line(c.paint(yellow, "warning: ") + safe(fmt.Sprintf(format, args...)))
}

// Errorf tells the user what went wrong, even a quiet one.
func (c *Console) Errorf(format string, args ...any) {
	if c.log != nil {
		c.log.Error(fmt.Sprintf(format, args...))
		return
	}
	c.line(c.paint(red, "error: ") + safe(fmt.Sprintf(format, args...)))
}

// Diagnostics prints findings about a file, one a line: "file:line:column: message [code]",
// and its hint after an arrow. A quiet user gets the errors.
func (c *Console) Diagnostics(list []diag.Diagnostic) {
	for _, d := range list {
		if c.o.Quiet && d.Severity == diag.Warning {
			continue
		}
		if c.log != nil {
			level := slog.LevelError
			if d.Severity == diag.Warning {
				level = slog.LevelWarn
			}
			c.log.Log(context.Background(), level, d.Message, "file", d.Pos.File, "line", d.Pos.Line, "column", d.Pos.Column,
				"code", d.Code, "hint", d.Hint)
			continue
		}
		c.line(c.diagnostic(d))
	}
}

func (c *Console) diagnostic(d diag.Diagnostic) string {
	d.Pos.File, d.Message, d.Hint = safe(d.Pos.File), safe(d.Message), safe(d.Hint)
	if !c.o.Colour || !c.o.ErrTTY {
		return d.String()
	}
	var b strings.Builder
	b.WriteString(d.Pos.String() + ": ")
	if d.Severity == diag.Warning {
		b.WriteString(c.paint(yellow, "warning: "))
	} else {
		b.WriteString(c.paint(red, "error: "))
	}
	b.WriteString(d.Message)
	if d.Code != "" {
		b.WriteString(c.paint(dim, " ["+d.Code+"]"))
	}
	if d.Hint != "" {
		b.WriteString(" → " + d.Hint)
	}
	return b.String()
}

// Exit prints the last line of a command: what it ended with. A quiet user gets it unless
// the command went well.
func (c *Console) Exit(code int, name, message string) {
	if code == 0 && c.o.Quiet {
		return
	}
	if c.log != nil {
		level := slog.LevelInfo
		if code != 0 {
			level = slog.LevelError
		}
		c.log.Log(context.Background(), level, "exit", "code", code, "name", name, "message", message)
		return
	}
	head := fmt.Sprintf("exit %d: %s", code, name)
	if code != 0 {
		head = c.paint(red, head)
	}
	if message != "" {
		head += ": " + safe(message)
	}
	c.line(head)
}

// JSON prints a document on stdout: indented, in one piece.
func (c *Console) JSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	_, err = c.o.Out.Write(append(text, '\n'))
	return err
}

// Logger returns a logger whose warnings and errors the user sees.
func (c *Console) Logger() *slog.Logger {
	if c.log != nil {
		return c.log
	}
	return slog.New(slog.NewTextHandler(lineWriter{c}, &slog.HandlerOptions{Level: c.level()}))
}

func (c *Console) level() slog.Level {
	if c.o.Quiet {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// Confirm asks a question on stderr and reports whether the answer is yes. It gives up when ctx ends, with its cause: the
// reading, which cannot be told to stop, then ends with the process.
func (c *Console) Confirm(ctx context.Context, in io.Reader, question string) (bool, error) {
	io.WriteString(lineWriter{c}, safe(question)+" [y/N] ") //nolint:errcheck // nobody is left to tell
	answered := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(in).ReadString('\n')
		answered <- answer
	}()
	select {
	case <-ctx.Done():
		c.line("")
		return false, context.Cause(ctx)
	case answer := <-answered:
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return true, nil
		}
		return false, nil
	}
}

// JSONLine prints a document on stdout as one line.
func (c *Console) JSONLine(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	_, err = c.o.Out.Write(append(text, '\n'))
	return err
}
