package report

import (
	"log/slog"
	"os"
)

// Log is a run's log.jsonl.
type Log struct {
	*slog.Logger
	f *os.File
}

// OpenLog opens the log, at its end if there is one: a resumed run goes on with it. Every line is one
// JSON object. The caller closes it.
func (d *Dir) OpenLog() (*Log, error) {
	f, err := os.OpenFile(d.Path(LogFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, fileMode)
	if err != nil {
		return nil, failed("open "+LogFile, err)
	}
	return &Log{Logger: slog.New(slog.NewJSONHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug})), f: f}, nil
}

// Close closes the file.
func (l *Log) Close() error {
	if err := l.f.Close(); err != nil {
		return failed("close "+LogFile, err)
	}
	return nil
}
