package salesforce

import (
	"context"
	"net/http"

	"sfsync/sink"
	"sfsync/sink/salesforce/once"
)

// pass waits until the round's request may be sent, if there is something in it that must not be sent twice. Where the
// last such answer was lost it asks first whether the org answers at all, for something that is counted by nobody.
// It reports false if nothing is sent any more: the round's records have their results then.
func (j *job) pass(ctx context.Context) (*once.Pass, bool) {
	for _, p := range j.batch {
		if p.act != sink.Create && p.act != sink.Publish {
			continue
		}
		pass, err := j.w.single.Enter(ctx)
		if err == nil && pass.Doubtful() {
			var list []struct{}
			err = j.w.c.getJSON(ctx, &call{method: http.MethodGet, path: "/services/data", open: true, repeat: true}, &list)
			if err != nil {
				pass.Close(err)
				pass.Leave(once.NotSent, nil)
			}
		}
		if err == nil {
			return pass, true
		}
		j.stop = err
		for _, p := range j.batch {
			j.abandon(p)
		}
		return nil, false
	}
	return nil, true
}

// passed says how the request of a pass ended; e is the error of the exchange. After several lost answers in a
// row the run ends: each further request would leave records of which nobody knows what became.
func (j *job) passed(pass *once.Pass, e *sink.Error) {
	if pass == nil {
		if e == nil && j.subs[0].Status != 0 {
			j.w.single.Answered()
		}
		return
	}
	switch {
	case j.unheard != nil:
		x := *j.unheard
		x.Class = sink.Network
		if pass.Leave(once.Lost, &x) && j.stop == nil {
			j.stop = &x
		}
	case e != nil && e.HTTPStatus == 0:
		pass.Leave(once.NotSent, nil)
	default:
		pass.Leave(once.Answered, nil)
	}
	j.unheard = nil
}
