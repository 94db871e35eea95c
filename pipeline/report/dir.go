package report

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// ErrReport marks every error of a report that cannot be written.
var ErrReport = errors.New("cannot write the report")

func failed(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrReport, doing, err)
}

// The names of a run directory's files, other than the row files.
const (
	SummaryFile = "summary.json"
	ErrorsFile  = "errors.csv"
	MappingFile = "mapping.yaml"
	LedgerFile  = "ledger.db"
	LogFile     = "log.jsonl"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
	// tempPrefix begins the names of directories that are being made. No run is named so.
	tempPrefix = ".tmp-"
	// timeForm is how a run's name begins: with the time in UTC. It has one length, so that names
	// sort by time.
	timeForm = "20060102T150405Z"
	// maxMapping is how much of a mapping's name goes into that of a directory.
	maxMapping = 60
	// idBytes is the length of the random part of a directory's name.
	idBytes = 3
	// idSuffix is the length of what it makes of the name, with its hyphen.
	idSuffix = 1 + 2*idBytes
	// maxTries is how often another random part is tried if a name is taken.
	maxTries = 10
)

// Dir is a run directory.
type Dir struct{ path string }

// Create makes the directory of a new run under root, which it makes too if need be:
// <UTC time>-<mapping>-<short id>. It comes into being under a temporary name, is filled, and is
// then renamed, so that every directory with a run's name is whole. Fill must leave no file open;
// its error comes back as it is, and nothing is left behind. now is when the run began; the id is
// read from rand.
//
// A process that is killed meanwhile leaves the temporary directory. Those in which nothing has
// changed for a day are removed here.
func Create(root, mapping string, now time.Time, rand io.Reader, fill func(*Dir) error) (*Dir, error) {
	if err := makeRoot(root); err != nil {
		return nil, failed("make the directory of runs (--runs)", err)
	}
	sweep(root, now)
	temp, path, err := reserve(root, mapping, now, rand)
	if err != nil {
		return nil, err
	}
	if err := fill(&Dir{path: temp}); err != nil {
		_ = os.RemoveAll(temp) // the error that matters is err
		return nil, err
	}
	err = syncDir(temp)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err == nil {
		err = syncDir(root)
	}
	if err != nil {
		_ = os.RemoveAll(temp) // the error that matters is err
		return nil, failed("make "+path, err)
	}
	return &Dir{path: path}, nil
}

// reserve makes the temporary directory of a run whose name is free.
func reserve(root, mapping string, now time.Time, rand io.Reader) (temp, path string, err error) {
	var id [idBytes]byte
	for range maxTries {
		if _, err := io.ReadFull(rand, id[:]); err != nil {
			return "", "", fmt.Errorf("name the run: %w", err)
		}
		name := now.UTC().Format(timeForm) + "-" + cleanName(mapping) + "-" + hex.EncodeToString(id[:])
		temp, path = filepath.Join(root, tempPrefix+name), filepath.Join(root, name)
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		err := os.Mkdir(temp, dirMode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", "", failed("make "+path, err)
		}
		return temp, path, nil
	}
	return "", "", failed("make a run directory under "+root, errors.New("the names tried are all taken"))
}

// staleAfter is how long nothing may have changed in a temporary directory before it is taken
// for one that a killed process left. Whoever fills one from a pipe keeps its time fresh.
const staleAfter = 24 * time.Hour

// sweep removes what killed processes left. That this fails is no reason not to run.
func sweep(root string, now time.Time) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, e := range entries {
		if path := filepath.Join(root, e.Name()); e.IsDir() && strings.HasPrefix(e.Name(), tempPrefix) && now.Sub(lastChange(path, now)) > staleAfter {
			_ = os.RemoveAll(path)
		}
	}
}

// lastChange is when something in a directory changed last; now if that cannot be told.
func lastChange(dir string, now time.Time) time.Time {
	info, err := os.Stat(dir)
	if err != nil {
		return now
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return now
	}
	last := info.ModTime()
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return now
		}
		if info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

// Runs lists the directories under root of the runs of a mapping, or of all for "", the latest
// first; none if there is no root. A mapping whose name is written alike in a file name is taken
// for the same.
func Runs(root, mapping string) ([]*Dir, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the runs: %w", err)
	}
	var runs []*Dir
	for _, e := range slices.Backward(entries) {
		d := &Dir{path: filepath.Join(root, e.Name())}
		if len(e.Name()) < len(timeForm)+idSuffix || !e.IsDir() || mapping != "" && !d.Of(mapping) {
			continue
		}
		if _, err := d.Started(); err == nil {
			runs = append(runs, d)
		}
	}
	return runs, nil
}

// Of reports whether the run is one of the mapping of this name, as far as its own name tells.
func (d *Dir) Of(mapping string) bool {
	name := d.Name()
	return len(name) >= len(timeForm)+idSuffix && name[len(timeForm):len(name)-idSuffix] == "-"+cleanName(mapping)
}

// makeRoot makes the directory of run directories, with a .gitignore: what is in it is data.
func makeRoot(root string) error {
	if err := os.MkdirAll(root, dirMode); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(root, ".gitignore"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString("*\n")
	return errors.Join(err, f.Close())
}

// cleanName makes a mapping's name fit for a file name on every system.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, s)
	if s = strings.Trim(s[:min(len(s), maxMapping)], "-"); s == "" {
		return "run"
	}
	return s
}

// OpenDir opens a directory that exists. One that does not is fs.ErrNotExist.
func OpenDir(path string) (*Dir, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("open the run directory: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("open the run directory: %s is a file", path)
	}
	// A run has one name, by which others know it.
	d := &Dir{path: filepath.Clean(path)}
	if link, err := os.Lstat(d.path); err == nil && link.Mode()&fs.ModeSymlink != 0 {
		if d.path, err = filepath.EvalSymlinks(d.path); err != nil {
			return nil, fmt.Errorf("open the run directory: %w", err)
		}
	}
	if name := d.Name(); name == "." || name == ".." {
		err = d.MakeAbs()
	}
	return d, err
}

// Find opens the directory of a run that is given by its path, or by its name under root. If
// there is none the error is fs.ErrNotExist.
func Find(root, run string) (*Dir, error) {
	if run == "" {
		return nil, fmt.Errorf("find the run: no name given: %w", fs.ErrNotExist)
	}
	d, err := OpenDir(run)
	if errors.Is(err, fs.ErrNotExist) && filepath.Base(run) == run && !strings.HasPrefix(run, ".") {
		d, err = OpenDir(filepath.Join(root, run))
	}
	return d, err
}

// Path returns the path of a file of the directory, or of the directory itself for "".
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Name returns the run's name: that of its directory, without its path.
func (d *Dir) Name() string { return filepath.Base(d.path) }

// Started returns when the run began, by its name.
func (d *Dir) Started() (time.Time, error) {
	name := d.Name()
	return time.Parse(timeForm, name[:min(len(name), len(timeForm))])
}

// MakeAbs makes the directory's path absolute, so that it outlives a change of the working
// directory.
func (d *Dir) MakeAbs() error {
	path, err := filepath.Abs(d.path)
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	d.path = path
	return nil
}

// WriteMapping keeps the text of the mapping that the run uses.
func (d *Dir) WriteMapping(text []byte) error { return d.WriteFile(MappingFile, text) }

// WriteFile writes a file of the directory whole, in place of an earlier one.
func (d *Dir) WriteFile(name string, data []byte) error {
	return d.writeFile(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// writeFile writes a file whole: it is on disk under its name as it was before or as it is
// to be, even if the machine stops meanwhile.
func (d *Dir) writeFile(name string, write func(io.Writer) error) error {
	temp := d.Path("." + name + ".tmp")
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return failed("write "+name, err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, d.Path(name))
	}
	if err == nil {
		err = syncDir(d.path)
	}
	if err != nil {
		_ = os.Remove(temp) // the error that matters is err
		return failed("write "+name, err)
	}
	return nil
}

// syncDir brings a directory's entries to disk. Windows has no such call and needs none.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
