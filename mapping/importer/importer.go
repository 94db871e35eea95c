// Package importer turns the mappings of other tools into mapping files of ours: .sdl files and
// process-conf.xml of Data Loader, export.json of SFDMU with the CSV files beside it, and
// mapping.yml of CumulusCI.
//
// What such a file says and a mapping file cannot say is not lost silently: it becomes a comment
// at its place and a note with its place in the file it comes from. Passwords and tokens are
// dropped, and the notes do not repeat them.
package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/soql"
	"sfsync/mapping/schema"
	"sfsync/mapping/yamlnode"
)

// MaxBytes is the size up to which a file is read.
const MaxBytes = 1 << 20

// The codes of notes and of errors.
const (
	CodeLost    = "not-carried-over" // a mapping file of ours has nothing for it
	CodeSecret  = "secret-dropped"   // a password or token
	CodeLook    = "look-at-this"     // carried over, and a person should look
	CodeSyntax  = "import-syntax"    // the file is damaged
	CodeUnknown = "import-unknown"   // the file is none of those that are known
)

// OptionError is the error for an option that is missing or does not fit the file.
type OptionError struct{ Option, Message string }

// Error gives the message.
func (e *OptionError) Error() string { return e.Message }

// Options say what the file itself does not.
type Options struct {
	// Schema corrects the case of names, and tells references and lengths. It need not have the
	// objects of the file. Nil is none.
	Schema *schema.Schema
	// Object and Match are the object and the match field of an .sdl file, which has neither.
	Object, Match string
	// Only are the names of the steps that are wanted; none for all.
	Only []string
	// Name is that of the mapping; empty for one after the file.
	Name string
	// SchemaURL is where editors find the JSON Schema of mapping files, and SchemaPath what the
	// mapping names as its schema; empty for none.
	SchemaURL, SchemaPath string
	// Place gives the path that the mapping has to name for a file, from its path relative to
	// the working directory. Nil leaves it.
	Place func(string) string
}

// Result is what an import found.
type Result struct {
	// Kind names the format: "Data Loader mapping (.sdl)".
	Kind string
	// Steps are the names of the targets in order.
	Steps []string
	// Inputs is how many inputs of different columns the steps read. Where it is more than one,
	// a mapping with all steps is for rows that join them; see [Result.YAML].
	Inputs int
	// Flags are those that sfsync run needs to do what the file says: "--api bulk".
	Flags []string

	job *job
}

// Notes are what could not be carried over into a mapping with all steps, or into one for each
// step, by place; all of them are warnings.
func (r *Result) Notes(each bool) []diag.Diagnostic {
	w := &writer{job: r.job, steps: r.job.steps, joined: !each && r.Inputs > 1}
	all := r.job.notes.All()
	return slices.DeleteFunc(all, func(d diag.Diagnostic) bool { return w.carried(d) })
}

// Import reads a file, and those beside it that it names, with read, which gives an error that is
// [fs.ErrNotExist] for one that is not there. The error is a [*diag.Errors] with the places, an
// [*OptionError], or that of read.
func Import(name string, read func(path string) ([]byte, error), o Options) (*Result, error) {
	text, err := read(name)
	if err != nil {
		return nil, err
	}
	j := &job{path: name, read: read, Options: o}
	if len(text) > MaxBytes {
		j.fail(diag.Pos{File: name}, CodeSyntax, "", "the file has more than the %d bytes allowed", MaxBytes)
		return nil, j.notes.Err()
	}
	kind := kindOf(name, text)
	switch kind {
	case kindProcess:
		j.processConf(text)
	case kindSFDMU:
		j.sfdmu(text)
	case kindCumulus:
		j.cumulus(text)
	case kindSDL:
		if o.Object == "" {
			return nil, &OptionError{"object", path.Base(name) + " names no object, as no .sdl file does"}
		}
		if !soql.IsName(o.Object) {
			return nil, &OptionError{"object", fmt.Sprintf("%q is no name of an object", o.Object)}
		}
		if o.Match != "" && !soql.IsName(o.Match) {
			return nil, &OptionError{"match", fmt.Sprintf("%q is no name of a field", o.Match)}
		}
		j.sdl(text)
	default:
		j.fail(diag.Pos{File: name, Line: 1, Column: 1}, CodeUnknown,
			"it has to be an .sdl or process-conf.xml of Data Loader, an export.json of SFDMU, or a mapping.yml of CumulusCI", "%s", kind)
	}
	if err := j.notes.Err(); err != nil {
		return nil, err
	}
	if err := j.choose(); err != nil {
		return nil, err
	}
	j.finish()
	if err := j.notes.Err(); err != nil {
		return nil, err
	}
	r := &Result{Kind: kind, Inputs: j.inputs(), job: j}
	for _, s := range j.steps {
		r.Steps = append(r.Steps, s.name)
		for _, f := range s.flags {
			if !contains(r.Flags, f) {
				r.Flags = append(r.Flags, f)
			}
		}
	}
	for _, step := range append(slices.Clone(r.Steps), "") {
		if d := tooMuch(r.YAML(step)); d != "" {
			j.fail(diag.Pos{File: name, Line: 1, Column: 1}, CodeUnknown, "take some of its steps with --only", "a mapping cannot hold this: %s", d)
			return nil, j.notes.Err()
		}
	}
	return r, nil
}

// tooMuch says which bound of a mapping file a text exceeds; "" for none.
func tooMuch(text []byte) string {
	var list diag.List
	yamlnode.Parse("", text, &list)
	for _, d := range list.All() {
		if d.Code == yamlnode.CodeLimit {
			return d.Message
		}
	}
	return ""
}

// The kinds of files; any other text says why a file is none of them.
const (
	kindSDL     = "Data Loader mapping (.sdl)"
	kindProcess = "Data Loader process-conf.xml"
	kindSFDMU   = "SFDMU export.json"
	kindCumulus = "CumulusCI mapping.yml"
)

// kindOf tells the format by the content, and by the name where the content could be either.
func kindOf(name string, text []byte) string {
	t := strings.TrimLeft(strings.TrimPrefix(string(text), "\ufeff"), " \t\r\n")
	ext := strings.ToLower(path.Ext(name))
	switch {
	case t == "":
		return "the file is empty"
	case t[0] == '<':
		return kindProcess
	case t[0] == '{' || strings.HasPrefix(t, "//") || strings.HasPrefix(t, "/*"):
		return kindSFDMU
	}
	steps, pairs := false, true
	for line := range strings.Lines(t) {
		word := strings.TrimSpace(line)
		switch {
		case word == "" || word[0] == '#' || word[0] == '!':
		case strings.HasPrefix(line, "targets:"):
			return "this is a mapping file of sfsync already"
		case strings.HasPrefix(word, "sf_object:"), strings.Contains(word, "{sf_object:"):
			steps = true
		case !strings.Contains(word, "="):
			pairs = false
		}
	}
	switch {
	case ext == ".sdl":
		return kindSDL
	case steps:
		return kindCumulus
	case ext == ".yml" || ext == ".yaml":
		return "no step in this YAML has an sf_object"
	case pairs:
		return kindSDL
	}
	return "sfsync does not know this kind of file"
}

// job is the state of one import.
type job struct {
	Options
	path  string
	read  func(string) ([]byte, error)
	steps []*step
	// comments stand at the top of the mapping.
	comments []string
	notes    diag.List
}

func (j *job) fail(pos diag.Pos, code, hint, format string, args ...any) {
	j.notes.Errorf(pos, code, hint, format, args...)
}

// lost notes something that cannot be carried over, and returns the text for a comment.
func (j *job) lost(pos diag.Pos, format string, args ...any) string {
	j.notes.Warnf(pos, CodeLost, "", format, args...)
	return fmt.Sprintf(format, args...)
}

// look notes something that a person should look at, and returns the text for a comment.
func (j *job) look(pos diag.Pos, format string, args ...any) string {
	j.notes.Warnf(pos, CodeLook, "", format, args...)
	return fmt.Sprintf(format, args...)
}

// top adds a comment to the top of the mapping, once.
func (j *job) top(text string) {
	if !contains(j.comments, text) {
		j.comments = append(j.comments, text)
	}
}

// secret notes that a secret was dropped.
func (j *job) secret(pos diag.Pos, key string) {
	j.notes.Warnf(pos, CodeSecret, "sfsync takes secrets from the environment or from sfsync org login", "%s is not carried over", key)
}

// beside reads a file that the imported one names: by its path from that one's directory, else,
// for a path of another machine, by its name in that directory. It returns the path that it was
// found at, and false if it was not found or cannot be used.
func (j *job) beside(pos diag.Pos, name string) ([]byte, string, bool) {
	paths := j.candidates(name)
	for _, p := range paths {
		text, err := j.read(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			j.fail(pos, CodeSyntax, "", "%v", err)
			return nil, p, false
		case len(text) > MaxBytes:
			j.fail(pos, CodeSyntax, "", "%s has more than the %d bytes allowed", p, MaxBytes)
			return nil, p, false
		}
		return text, p, true
	}
	return nil, paths[0], false
}

// candidates are the paths at which a file may stand that the imported one names.
func (j *job) candidates(name string) []string {
	dir := path.Dir(strings.ReplaceAll(j.path, `\`, "/"))
	slashed := strings.ReplaceAll(name, `\`, "/")
	beside := path.Join(dir, path.Base(slashed))
	if foreign(name) {
		return []string{beside}
	}
	return []string{path.Join(dir, slashed), beside}
}

// foreign reports whether a path is one of a whole machine, and not of this directory.
func foreign(name string) bool {
	drive := len(name) > 2 && name[1] == ':' && (name[2] == '\\' || name[2] == '/')
	return drive || strings.HasPrefix(name, `\\`) || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "${")
}

// reads sets the file that a step reads, if a mapping can name it: it is in UTF-8, as no path need be.
func (j *job) reads(s *step, name string, pos diag.Pos) {
	p := j.place(name)
	if !utf8.ValidString(p) {
		s.input.comments = append(s.input.comments, j.lost(pos, "the path of %s is not UTF-8: name it on the command line", base(name)))
		return
	}
	s.input.files = []string{p}
}

// place returns what the mapping names a file that stands at a path.
func (j *job) place(name string) string {
	slashed := strings.ReplaceAll(name, `\`, "/")
	if foreign(name) {
		return slashed
	}
	p := path.Join(path.Dir(strings.ReplaceAll(j.path, `\`, "/")), slashed)
	if j.Place != nil {
		return j.Place(p)
	}
	return p
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}

// quoted puts a word of the file in quotes for a message.
func quoted(s string) string { return strconv.Quote(s) }
