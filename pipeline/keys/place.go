package keys

import "fmt"

// Place is where a row begins: a file of the input and a line of it. The order of places is the
// reading order.
type Place uint64

const (
	// MaxFiles is how many files of an input have places.
	MaxFiles = 1 << 22
	// MaxLine is the last line of a file that has a place.
	MaxLine = 1<<lineBits - 1

	lineBits = 40
)

// At returns the place of a line (from 1) of the file with an index in the list of inputs. It
// panics if there are more than [MaxFiles] or the file has more than [MaxLine] lines.
func At(file int, line int64) Place {
	if file < 0 || file >= MaxFiles || line < 0 || line > MaxLine {
		panic(fmt.Sprintf("keys: no place for line %d of file %d", line, file))
	}
	return Place(uint64(file)<<lineBits | uint64(line))
}

// File returns the index of the file in the list of inputs.
func (p Place) File() int { return int(p >> lineBits) }

// Line returns the line of the file, from 1.
func (p Place) Line() int64 { return int64(p & MaxLine) }
