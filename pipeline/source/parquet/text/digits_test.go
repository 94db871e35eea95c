package text

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestUint: every number of digits, at its ends and in between, with and without room behind dst.
func TestUint(t *testing.T) {
	t.Parallel()
	check := func(n uint64) {
		for _, room := range []int{0, 1, 20, 64} {
			if got, want := string(appendUint(make([]byte, 2, 2+room), n)[2:]), strconv.FormatUint(n, 10); got != want {
				t.Fatalf("%d with room for %d is %s", n, room, got)
			}
		}
	}
	check(0)
	check(math.MaxUint64)
	for _, p := range powers {
		for _, n := range []uint64{p - 1, p, p + 1, 9 * p, 3*p + 7} {
			check(n)
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(rapid.Uint64().Draw(t, "n") >> rapid.IntRange(0, 63).Draw(t, "shift")) })
}

// TestDecimal: the digits are those of the number, the point stands before as many as the scale is.
func TestDecimal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "n") >> rapid.IntRange(0, 63).Draw(t, "shift")
		scale := rapid.IntRange(0, 40).Draw(t, "scale")
		got := string(appendDecimal(nil, n, scale))
		whole, frac, _ := strings.Cut(got, ".")
		if len(frac) != scale || len(whole) > 1 && whole[0] == '0' || whole == "" {
			t.Fatalf("%d at a scale of %d is %s", n, scale, got)
		}
		if v, ok := new(big.Int).SetString(whole+frac, 10); !ok || v.Cmp(new(big.Int).SetUint64(n)) != 0 {
			t.Fatalf("%d at a scale of %d is %s", n, scale, got)
		}
	})
}

// TestCivil: the quick way to a date agrees with the one for any date on every day it is for, and
// both with the standard library on some.
func TestCivil(t *testing.T) {
	t.Parallel()
	for n := int64(-10); n <= lastOrdinary+10; n++ {
		y, m, d := civil(n - epoch)
		if y2, m2, d2 := farCivil(n - epoch); y != y2 || m != m2 || d != d2 {
			t.Fatalf("day %d: %d-%d-%d or %d-%d-%d", n-epoch, y, m, d, y2, m2, d2)
		}
		if n%997 != 0 {
			continue
		}
		at := time.Unix((n-epoch)*secondsOfDay, 0).UTC()
		if int64(at.Year()) != y || int64(at.Month()) != m || int64(at.Day()) != d {
			t.Fatalf("day %d: %d-%d-%d, not %s", n-epoch, y, m, d, at)
		}
	}
}

// TestDouble: the quick way to a decimal gives the same as the standard library, whatever the number.
func TestDouble(t *testing.T) {
	t.Parallel()
	f := &Format{}
	check := func(t interface{ Fatalf(string, ...any) }, x float64) {
		got, kind := f.double(nil, binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
		if want, wantKind := appendFloat(nil, x, 64); string(got) != string(want) || kind != wantKind {
			t.Fatalf("%v is %s, not %s", x, got, want)
		}
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1e-4, 1e-5, 99e-6, 0.00005, 1e10, 1e10 - 0.0001, 1e9 + 0.0001, 1e15, 1e21, math.NaN(), math.Inf(1), math.MaxFloat64, math.SmallestNonzeroFloat64, 0.30000000000000004, 100, 1200.5} {
		check(t, x)
		check(t, -x)
		check(t, math.Nextafter(x, 0))
		check(t, math.Nextafter(x, math.Inf(1)))
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.Float64().Draw(t, "any"))
		decimal := float64(rapid.Int64().Draw(t, "digits")>>rapid.IntRange(0, 63).Draw(t, "shift")) / float64(powers[rapid.IntRange(0, 8).Draw(t, "scale")])
		check(t, decimal)
		check(t, math.Nextafter(decimal, 0))
	})
}
