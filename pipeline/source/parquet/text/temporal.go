package text

import (
	"encoding/binary"
	"strconv"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/meta"
)

const (
	secondsOfDay = 86_400
	nanosOfDay   = secondsOfDay * 1e9
	// julianEpoch is 1970-01-01 as a Julian day number.
	julianEpoch = 2_440_588
)

// date writes the days since 1970-01-01 as yyyy-mm-dd.
func (f *Format) date(dst, v []byte) ([]byte, row.Kind) {
	return appendDate(dst, f.signed(v)), row.Text
}

// time writes a time of day: hh:mm:ss with the fraction it has, and Z if it is UTC.
func (f *Format) time(dst, v []byte) ([]byte, row.Kind) {
	n := f.signed(v)
	if n < 0 { // no time of day; nobody is to take it for one
		dst = append(dst, '-')
	}
	per := perSecond(f.leaf.Logical.Unit)
	m := magnitude(n)
	dst = appendClock(dst, m/per, m%per*(1e9/per))
	if f.leaf.Logical.UTC {
		dst = append(dst, 'Z')
	}
	return dst, row.Text
}

func perSecond(u meta.Unit) uint64 {
	switch u {
	case meta.Millis:
		return 1e3
	case meta.Micros:
		return 1e6
	}
	return 1e9
}

// timestamp writes ISO 8601: 2026-11-21T10:00:00 with the fraction it has, and Z if it is
// UTC; one without a zone has none.
func (f *Format) timestamp(dst, v []byte) ([]byte, row.Kind) {
	n := int64(binary.LittleEndian.Uint64(v))
	per := int64(perSecond(f.leaf.Logical.Unit))
	sec, frac := n/per, n%per
	if frac < 0 {
		sec, frac = sec-1, frac+per
	}
	day, clock := sec/secondsOfDay, sec%secondsOfDay
	if clock < 0 {
		day, clock = day-1, clock+secondsOfDay
	}
	dst = append(appendDate(dst, day), 'T')
	dst = appendClock(dst, uint64(clock), uint64(frac*(1e9/per)))
	if f.leaf.Logical.UTC {
		dst = append(dst, 'Z')
	}
	return dst, row.Text
}

// int96 writes a timestamp of Impala, Hive and Spark, which is UTC: the nanoseconds of the day
// in 8 bytes, then the Julian day in 4.
func (f *Format) int96(dst, v []byte) ([]byte, row.Kind) {
	ns := int64(binary.LittleEndian.Uint64(v))
	day := int64(int32(binary.LittleEndian.Uint32(v[8:]))) - julianEpoch
	day += ns / nanosOfDay
	if ns %= nanosOfDay; ns < 0 {
		day, ns = day-1, ns+nanosOfDay
	}
	dst = append(appendDate(dst, day), 'T')
	return append(appendClock(dst, uint64(ns/1e9), uint64(ns%1e9)), 'Z'), row.Text
}

// appendDate writes the date so many days after 1970-01-01. Years beyond four digits have a
// sign (ISO 8601, expanded representation).
func appendDate(dst []byte, days int64) []byte {
	year, month, day := civil(days)
	if year < 0 || year > 9999 {
		sign := byte('+')
		if year < 0 {
			sign, year = '-', -year
		}
		dst = append(dst, sign)
		for unit := int64(1000); unit > year && unit > 1; unit /= 10 {
			dst = append(dst, '0')
		}
		dst = strconv.AppendInt(dst, year, 10)
		return put2(put2(dst, '-', month), '-', day)
	}
	// 2026-11-21 as the numbers 2026 and 011021: a digit for each dash.
	dst = room(dst)
	at := len(dst)
	dst = tail(tail(dst, uint64(year), 4), uint64(1000*month+day), 6)
	dst[at+4], dst[at+7] = '-', '-'
	return dst
}

// put2 appends a mark and two digits.
func put2(dst []byte, mark byte, n int64) []byte {
	return append(dst, mark, byte('0'+n/10), byte('0'+n%10))
}

const (
	// epoch is 1970-01-01 as a number of days from 0000-03-01, lastOrdinary is 9999-12-31.
	epoch        = 719_468
	lastOrdinary = 3_652_364
)

// civil returns the date so many days after 1970-01-01.
func civil(days int64) (year, month, day int64) {
	if n := uint64(days + epoch); n <= lastOrdinary {
		// With divisions by constants only (Cassio Neri and Lorenz Schneider, "Euclidean affine
		// functions and their application to calendar algorithms").
		q := 4*n + 3
		century, q := q/146_097, q%146_097
		p := 2_939_745 * (q | 3)
		ofYear := p & 0xFFFFFFFF / 2_939_745 / 4
		r := 2141*ofYear + 197_913
		year, month, day = int64(100*century+p>>32), int64(r>>16), int64(r&0xFFFF/2141+1)
		if month > 12 {
			return year + 1, month - 12, day
		}
		return year, month, day
	}
	return farCivil(days)
}

// farCivil is civil for any number of days, by eras of 400 years from 0000-03-01 (Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms").
func farCivil(days int64) (year, month, day int64) {
	days += epoch
	era := days / 146_097
	doe := days % 146_097
	if doe < 0 {
		era, doe = era-1, doe+146_097
	}
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = doy - (153*mp+2)/5 + 1
	month, year = mp+3, yoe+era*400
	if month > 12 {
		month, year = month-12, year+1
	}
	return year, month, day
}

// appendClock writes hh:mm:ss and 3, 6 or 9 digits behind the point where there is a fraction.
func appendClock(dst []byte, sec, ns uint64) []byte {
	dst = room(dst)
	if h := sec / 3600; h < 100 {
		dst = tail(dst, h, 2)
	} else {
		dst = room(appendUint(dst, h))
	}
	// 05:07 as the number 5007, behind a colon that is a digit first.
	at := len(dst)
	dst = tail(dst, sec/60%60*1000+sec%60, 6)
	dst[at], dst[at+3] = ':', ':'
	if ns == 0 {
		return dst
	}
	dst = append(room(dst), '.')
	if ns%1e6 == 0 {
		return tail(dst, ns/1e6, 3)
	}
	if ns%1e3 == 0 {
		return tail(dst, ns/1e3, 6)
	}
	return tail(tail(dst, ns/1e3, 6), ns%1e3, 3)
}
