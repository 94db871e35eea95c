package csv

const Scanned = scanned

var (
	SniffEOL   = sniffEOL
	NewScanner = newScanner
)

func (s *scanner) Record(data []byte, end int, last bool) (int, scanStatus) {
	return s.record(data, end, last)
}
