// Package verb is what every verb of the command line is given and hands back: the world around it, its
// console, how it ends, and what flags and arguments have in common. The packages below it are the verbs: an
// options struct each, a function that makes the cobra command (and only parses), and one that runs the
// options; tests pass their own in its place.
package verb

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/host"
	"sfsync/cmd/sfsync/internal/ui"
)

// App is what the verbs share. It is for one command line.
type App struct {
	Sys  *host.System
	Stop *host.Stopper
	// Con is where a verb says things: as the flags ask for, once they are parsed.
	Con *ui.Console
	// FromEnv are the flags that came from the environment, by their variables' names.
	FromEnv []string
	// Answered is set once a JSON document stands on stdout.
	Answered bool

	quiet     bool
	logFormat string
}

// New returns the App of a command line whose flags are not parsed yet.
func New(sys *host.System, stop *host.Stopper) *App {
	a := &App{Sys: sys, Stop: stop, logFormat: "text"}
	a.setConsole()
	return a
}

// AddFlags adds the flags that every verb has.
func (a *App) AddFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&a.quiet, "quiet", false, "print errors only")
	fs.StringVar(&a.logFormat, "log-format", "text", "messages on stderr as `text|json`")
}

// DoneError ends a command that has said all there is to say; only its code is left.
type DoneError struct {
	Code    exit.Code
	Message string
}

func (e *DoneError) Error() string { return e.Message }

// Done returns the end of a verb that prints its exit line even when all went well.
func Done(code exit.Code, format string, args ...any) error {
	return &DoneError{code, fmt.Sprintf(format, args...)}
}

// setConsole makes the console that the flags ask for.
func (a *App) setConsole() {
	a.Con = ui.New(ui.Options{
		Out: a.Sys.Stdout, Err: a.Sys.Stderr,
		ErrTTY:   a.Sys.StderrTTY,
		Colour:   a.Sys.Getenv("NO_COLOR") == "" && a.Sys.Getenv("TERM") != "dumb",
		Quiet:    a.quiet,
		JSONLogs: a.logFormat == "json",
		Now:      a.Sys.Now,
	})
	a.Stop.TellBy(a.Con.Infof)
}

// MakeStateDir returns the directory for state, which it makes.
func (a *App) MakeStateDir(dir string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = a.Sys.StateDir(); err != nil {
			return "", exit.Errorf(exit.BadConfig, "%w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", exit.Errorf(exit.CannotWrite, "make the state directory (--state): %w", err)
	}
	return dir, nil
}
