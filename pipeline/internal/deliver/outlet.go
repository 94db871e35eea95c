package deliver

// Outlet lets so many requests out at once as there are workers. More jobs than that get ready meanwhile (the
// ledger's commit before they leave waits for the disk), so that the next one leaves as soon as an answer comes. It
// is safe for concurrent use.
type Outlet struct {
	slots  chan struct{}
	closed chan struct{}
}

// NewOutlet returns an outlet for so many workers.
func NewOutlet(workers int) *Outlet {
	return &Outlet{slots: make(chan struct{}, workers), closed: make(chan struct{})}
}

// Close lets nothing more out. It is called once.
func (o *Outlet) Close() { close(o.closed) }

// enter waits until a request may leave; ok is false if none may any more. Whoever entered calls leave once the
// answer is there.
func (o *Outlet) enter() (ok bool) {
	select {
	case <-o.closed:
		return false
	default:
	}
	select {
	case <-o.closed:
		return false
	case o.slots <- struct{}{}:
		return true
	}
}

func (o *Outlet) leave() { <-o.slots }
