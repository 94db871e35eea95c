package fault

import "sync"

// Script applies the rules of a faults file. It is safe for concurrent use.
type Script struct {
	rules []Rule

	mu    sync.Mutex
	seen  []int64 // what each rule has fitted
	acted []int64 // how often each rule acted
}

// NewScript returns a script that begins to count now.
func NewScript(rules []Rule) *Script {
	return &Script{rules: rules, seen: make([]int64, len(rules)), acted: make([]int64, len(rules))}
}

// At returns what happens at a point. The answer depends on the rules and on what each of them has
// fitted so far, so the same points in the same order give the same answers in every process.
func (s *Script) At(p Point) Action {
	s.mu.Lock()
	defer s.mu.Unlock()
	winner := -1
	for i := range s.rules {
		r := &s.rules[i]
		if !r.fits(&p) {
			continue
		}
		s.seen[i]++
		if winner < 0 && r.due(s.seen[i], s.acted[i], draw(i, s.seen[i])) {
			winner = i
		}
	}
	if winner < 0 {
		return Action{}
	}
	s.acted[winner]++
	return s.rules[winner].Action
}

// draw returns a number in [0,1) that looks random and is always the same for a rule's n-th point.
// It is SplitMix64 (Steele, Lea and Flood 2014).
func draw(rule int, n int64) float64 {
	z := uint64(n)*0x9e3779b97f4a7c15 + uint64(rule+1)*0xd1b54a32d192ed03
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return float64(z>>11) / (1 << 53)
}
