package profile

import (
	"math"
	"math/big"
	"math/bits"
)

const (
	// maxExact is how many different values are counted one by one.
	maxExact = 256
	// precision is the logarithm of the number of registers of an estimate: its standard error is
	// 1.04/√4096, or 1.6 %.
	precision = 12
	registers = 1 << precision
)

// counter counts different hashes: one by one while there are few, then as HyperLogLog does
// (Flajolet et al. 2007): of the hashes that fall to a register it keeps how many zeros one begins with
// at most. With 64 bits of hash there is no correction for large numbers.
type counter struct {
	seen      map[uint64]struct{}
	registers []uint8
}

// add takes a hash into account and reports whether it is known to be a new one.
func (c *counter) add(hash uint64) bool {
	if c.registers != nil {
		c.register(hash)
		return false
	}
	if _, known := c.seen[hash]; known {
		return false
	}
	if c.seen == nil {
		c.seen = make(map[uint64]struct{})
	}
	if len(c.seen) < maxExact {
		c.seen[hash] = struct{}{}
		return true
	}
	c.registers = make([]uint8, registers)
	for h := range c.seen {
		c.register(h)
	}
	c.seen = nil
	c.register(hash)
	return true
}

func (c *counter) register(hash uint64) {
	i := hash >> (64 - precision)
	zeros := uint8(bits.LeadingZeros64(hash<<precision|1<<(precision-1))) + 1
	c.registers[i] = max(c.registers[i], zeros)
}

// count returns how many different hashes there were, and whether that is exact.
func (c *counter) count() (n int64, exact bool) {
	if c.registers == nil {
		return int64(len(c.seen)), true
	}
	sum, empty := 0.0, 0
	for _, r := range c.registers {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			empty++
		}
	}
	const m = float64(registers)
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && empty > 0 { // few values: count the empty registers instead
		estimate = m * math.Log(m/float64(empty))
	}
	return int64(math.Round(estimate)), false
}

// rat is an exact number, of bounded size.
type rat struct{ big.Rat }

// set reads a decimal number; one that would take much memory is refused.
func (r *rat) set(s string) bool {
	if len(s) > 64 {
		return false
	}
	f, _, err := big.ParseFloat(s, 10, 64, big.ToNearestEven)
	if err != nil || f.IsInf() || f.Sign() != 0 && (f.MantExp(nil) > 1024 || f.MantExp(nil) < -1024) {
		return false
	}
	_, ok := r.SetString(s)
	return ok
}
