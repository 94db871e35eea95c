package sinktest

import (
	"fmt"
	"testing"

	"sfsync/sink"
)

// deletes is a request to delete the records that results tell of.
func (h *Harness) deletes(prefix string, made []sink.Result) *sink.Request {
	req := h.request(h.rows(prefix, len(made), "x"), sink.Delete)
	for i := range req.Records {
		req.Records[i].ID = made[i].ID
	}
	return req
}

func (h *Harness) wantGone(t *testing.T, prefix string, n int) {
	t.Helper()
	if h.Read == nil {
		return
	}
	for i := range n {
		if _, ok := h.Read(t, fmt.Sprintf("%s-%d", prefix, i)); ok {
			t.Errorf("record %d is still there", i)
		}
	}
}

func testDelete(t *testing.T, h *Harness) {
	n := h.Writer.Limits().Group + 7
	made := write(t, h.Writer, h.request(h.rows("gone", n, "x"), sink.Upsert))
	write(t, h.Writer, h.request(h.rows("stays", 2, "x"), sink.Upsert))
	// Deleted together with other things that happen.
	req := h.deletes("gone", made)
	more := h.request(h.rows("more", 3, "x"), sink.Upsert)
	req.Records = append(req.Records, more.Records...)
	res := write(t, h.Writer, req)
	wantAll(t, res[:n], sink.Deleted)
	wantAll(t, res[n:], sink.Created)
	for i := range n {
		if res[i].ID != made[i].ID {
			t.Errorf("record %d: deleted %s, want %s", i, res[i].ID, made[i].ID)
		}
	}
	h.wantGone(t, "gone", 3)
	h.wantText(t, "stays-1", "x")
	h.wantText(t, "more-2", "x")
	if h.Stateless {
		return
	}
	// Again: they are gone, and not by this request; unless that may be so.
	wantAll(t, write(t, h.Writer, h.deletes("gone", made[:3])), sink.Failed)
	again := h.deletes("gone", made[:3])
	for i := range again.Records {
		again.Records[i].Resend = true
	}
	wantAll(t, write(t, h.Writer, again), sink.Deleted)
	bad := h.deletes("gone", make([]sink.Result, 3))
	bad.Records[1].ID = "not an id,&x="
	bad.Records[2].ID = h.Nobody
	res = write(t, h.Writer, bad)
	wantAll(t, res, sink.Failed)
	bad.Records[2].Resend = true
	res = write(t, h.Writer, bad)
	wantAll(t, res[:2], sink.Failed)
	if res[2].Status != sink.Deleted {
		t.Errorf("a record that is not there when it is to be deleted again: %s (%v)", res[2].Status, res[2].Err)
	}
}

func testPublish(t *testing.T, h *Harness) {
	if h.Event == nil {
		t.Skip("the writer takes no events")
	}
	n := h.Writer.Limits().Group + 1
	wantAll(t, write(t, h.Writer, h.Event.events(n)), sink.Published)
	h.wantPublished(t, n)
}

func (h *Harness) wantPublished(t *testing.T, want int) {
	t.Helper()
	if h.Event.Published == nil {
		return
	}
	if got := h.Event.Published(t); got != want {
		t.Errorf("%d events were published, want %d", got, want)
	}
}

// testLostAnswers: what can safely be sent twice is, and the org holds what the results say; of the
// rest it is said that nobody knows.
func testLostAnswers(t *testing.T, h *Harness) {
	if h.Lose == nil {
		t.Skip("answers do not get lost")
	}
	const n = 5
	for _, after := range []bool{true, false} {
		prefix := fmt.Sprintf("lost-%t", after)
		h.Lose(t, after)
		made := write(t, h.Writer, h.request(h.rows(prefix, n, "one"), sink.Upsert))
		wantAll(t, made, sink.Created)
		distinct(t, made)

		req := h.request(h.rows(prefix, n, "two"), sink.Update)
		for i := range req.Records {
			req.Records[i].ID = made[i].ID
		}
		h.Lose(t, after)
		wantAll(t, write(t, h.Writer, req), sink.Updated)
		h.wantText(t, prefix+"-3", "two")

		h.Lose(t, after)
		gone := write(t, h.Writer, h.deletes(prefix, made))
		wantAll(t, gone, sink.Deleted)
		h.wantGone(t, prefix, n)

		h.Lose(t, after)
		res := write(t, h.Writer, h.request(h.rows(prefix+"-new", n, "x"), sink.Create))
		wantAll(t, res, sink.Unknown)
		if h.Read != nil {
			if _, ok := h.Read(t, prefix+"-new-0"); ok != after {
				t.Errorf("lost after %t: the record is there: %t", after, ok)
			}
		}
		if h.Event == nil {
			continue
		}
		before := 0
		if h.Event.Published != nil {
			before = h.Event.Published(t)
		}
		h.Lose(t, after)
		wantAll(t, write(t, h.Writer, h.Event.events(n)), sink.Unknown)
		if after {
			before += n
		}
		h.wantPublished(t, before)
	}
}
