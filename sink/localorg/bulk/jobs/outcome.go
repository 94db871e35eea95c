package jobs

import (
	"encoding/binary"
	"errors"
	"strings"

	"sfsync/sink/localorg/catalog"
)

// Outcome is what became of a row.
type Outcome struct {
	// ID is the record's id; of a row that failed only if it was known.
	ID      string
	Created bool
	// Error is the text of sf__Error, "" if the row did not fail.
	Error string
}

// The first byte of an outcome.
const (
	updated = 'u'
	created = 'c'
	failed  = 'f'
)

const idLength = 18

// AppendOutcome appends an outcome as it is kept: 19 bytes for a row that was written.
func AppendOutcome(b []byte, o Outcome) []byte {
	switch {
	case o.Error == "" && len(o.ID) == idLength && o.Created:
		return append(append(b, created), o.ID...)
	case o.Error == "" && len(o.ID) == idLength:
		return append(append(b, updated), o.ID...)
	}
	b = binary.AppendUvarint(append(b, failed), uint64(len(o.ID))) // what a client gives as an id may be long
	b = append(b, o.ID...)
	b = binary.AppendUvarint(b, uint64(len(o.Error)))
	return append(b, o.Error...)
}

var errOutcome = errors.New("the result of a bulk job is damaged")

// CutOutcome takes the first outcome off b.
func CutOutcome(b []byte) (o Outcome, rest []byte, err error) {
	if len(b) == 0 {
		return o, nil, errOutcome
	}
	switch kind := b[0]; kind {
	case created, updated:
		if len(b) < 1+idLength {
			return o, nil, errOutcome
		}
		return Outcome{ID: string(b[1 : 1+idLength]), Created: kind == created}, b[1+idLength:], nil
	case failed:
		id, b, err := cutText(b[1:])
		if err != nil {
			return o, nil, err
		}
		text, b, err := cutText(b)
		return Outcome{ID: id, Error: text}, b, err
	}
	return o, nil, errOutcome
}

// cutText takes a text off b whose length stands in front of it.
func cutText(b []byte) (text string, rest []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return "", nil, errOutcome
	}
	end := n + int(size)
	return string(b[n:end]), b[end:], nil
}

// ErrorText writes a refusal as the results of the Bulk APIs do: code, message and fields with colons
// between, " --" behind (recorded: "INVALID_FIELD:Failed to deserialize …:CloseDate --"). Further errors of the
// same record follow (unconfirmed).
func ErrorText(e *catalog.Error) string {
	text := e.Code + ":" + e.Message + ":" + strings.Join(e.Fields, ",")
	if len(e.Fields) > 0 {
		text += " "
	}
	text += "--"
	for _, more := range e.More {
		text += ErrorText(more)
	}
	return text
}

// CutError takes the first error off a text that ErrorText wrote. Codes are in capitals, so dashes within a
// message end it only if something like a code and a colon follows.
func CutError(text string) (e catalog.Error, rest string) {
	end := len(text)
	for at := 0; at < len(text); {
		i := strings.Index(text[at:], "--")
		if i < 0 {
			break
		}
		at += i + 2
		if at == len(text) || beginsWithCode(text[at:]) {
			end = at
			break
		}
	}
	first, rest := text[:end], text[end:]
	e.Code, first, _ = strings.Cut(first, ":")
	first = strings.TrimSuffix(strings.TrimSuffix(first, "--"), " ")
	if i := strings.LastIndexByte(first, ':'); i >= 0 {
		if names := first[i+1:]; names != "" {
			e.Fields = strings.Split(names, ",")
		}
		first = first[:i]
	}
	e.Message = first
	return e, rest
}

// beginsWithCode reports whether a text begins with a status code and a colon.
func beginsWithCode(text string) bool {
	code, _, found := strings.Cut(text, ":")
	return found && code != "" && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}
