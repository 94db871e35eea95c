package textfile

// Words of eight equal bytes, for readers that look at eight bytes at a time. The bytes of a word
// that are 0 have their high bit set in
//
//	(w - LowBits) &^ w & HighBits
//
// and so may bytes above one of them, of which there is no need to be sure: whoever looks for
// the first one takes the lowest bit, and whoever goes through all looks at each byte.
const (
	LowBits  = 0x0101010101010101
	HighBits = 0x8080808080808080
)
