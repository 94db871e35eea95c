package program

import "slices"

// Overrule gives row i another fate than the mapper did, and the reason for it. It is for what
// no row can know by itself, such as a key that comes up again. A reason with no code is none.
func (r *Records) Overrule(i int, f Fate, p Problem) {
	r.fates[i] = f
	if first, has := slices.BinarySearchFunc(r.further, i, byRow); has {
		r.further = slices.Delete(r.further, first, first+len(r.others(i)))
	}
	at, has := slices.BinarySearchFunc(r.reasons, i, byRow)
	switch {
	case has && p.Code == "":
		r.reasons = slices.Delete(r.reasons, at, at+1)
	case has:
		r.reasons[at].Problem = p
	case p.Code != "":
		r.reasons = slices.Insert(r.reasons, at, reason{i, p})
	}
}

// Implied reports whether a target is none of the mapping's own: a lookup with create: true makes
// its records.
func (p *Plan) Implied(target int) bool { return p.Targets[target].Code.Made }
