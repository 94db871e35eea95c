package backup

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink"
)

// A record that is created by itself, for want of a key that the org's own upsert knows, has no id until the org
// answers. Before it is sent the store gets a record of it, whose id begins with sentMark and holds the key by which it
// was looked for in vain. When the answer comes, or a later try finds what the lost one has made, that becomes the
// org's record. What is left of them when the run is undone is looked for once more.
const sentMark = "?"

// clockSkew is by how much the clock of the org may be behind ours.
const clockSkew = 5 * time.Minute

// sentKey names a record that is about to be created: by the first of its match keys that is not blank. It is "" for
// one that has none.
func (w *Writer) sentKey(rec *sink.Record) (string, error) {
	for _, k := range w.Target.Keys {
		key := make(map[string]string, len(k.Fields))
		for i, c := range k.Columns {
			if cell := rec.Batch.Cell(rec.Row, c); !cell.Blank() {
				key[k.Fields[i].Name] = cell.Text
			}
		}
		if len(key) == 0 || len(key) < len(k.Fields) {
			continue
		}
		text, err := json.Marshal(key)
		return sentMark + string(text), err
	}
	return "", nil
}

// intendCreations notes the records of a request that are about to be created by themselves, and which of those to be
// changed a try before may have created: the answer to it was lost.
func (w *Writer) intendCreations(ctx context.Context, req *sink.Request) error {
	var keys []string
	var places []int
	found := make(map[string]string)
	for i := range req.Records {
		rec := &req.Records[i]
		if rec.Action != sink.Create && (rec.Action != sink.Update || !rec.Resend) {
			continue
		}
		key, err := w.sentKey(rec)
		switch {
		case err != nil:
			return failed("name a record", err)
		case key == "":
		case rec.Action == sink.Create:
			keys, places = append(keys, key), append(places, i)
		default:
			found[key] = rec.ID
		}
	}
	if err := w.Store.adopt(ctx, w.Org, req.Target.Object, found); err != nil {
		return err
	}
	return w.Store.change(ctx, w.Org, req.Target.Object, keys, func(n int, r *Record) {
		if r.fresh {
			r.Target, r.first = w.Target.Name, w.Now()
		}
		r.last, r.maybe = w.Now(), true
		r.pending = merged(r.pending, sent(&req.Records[places[n]]))
	})
}

// noteCreations says what became of the records that were to be created by themselves.
func (w *Writer) noteCreations(ctx context.Context, req *sink.Request, results []sink.Result) error {
	ids := make(map[string]string)
	for i := range req.Records {
		rec := &req.Records[i]
		if rec.Action != sink.Create {
			continue
		}
		key, err := w.sentKey(rec)
		switch status := results[i].Status; {
		case err != nil:
			return failed("name a record", err)
		case key == "":
		case results[i].ID != "" && (status == sink.Created || status == sink.Updated):
			ids[key] = results[i].ID
		case (status == sink.Failed || status == sink.NotSent) && !rec.Resend:
			ids[key] = ""
		}
	}
	return w.Store.adopt(ctx, w.Org, req.Target.Object, ids)
}

// adopt gives records that were sent without an id that which they have in the org. With "" for it, or if the store has
// that record already, they are forgotten.
func (s *Store) adopt(ctx context.Context, org, object string, ids map[string]string) error {
	if len(ids) == 0 {
		return nil
	}
	return s.update(ctx, func(tx *sql.Tx) error {
		for key, id := range ids {
			if id != "" {
				if _, err := tx.ExecContext(ctx, "UPDATE OR IGNORE record SET id = ? WHERE org = ? AND object = ? AND id = ?", id, org, object, key); err != nil {
					return err
				}
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM record WHERE org = ? AND object = ? AND id = ?", org, object, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// unanswered returns up to n records, behind a place, whose ids never came.
func (s *Store) unanswered(ctx context.Context, n int, behind int64) ([]*Record, error) {
	return s.query(ctx, "seq > ? AND id LIKE '"+sentMark+"%' ORDER BY seq", n, behind)
}

// adopt looks for the records that the run has sent to be created, and got no answer about. One that is there alone
// under its key is one of the run's records from then on; whether the run created it is decided as for any other. Those
// whose key several records hold are given to several: it is not known which of them the run created, if any.
func (u *Undo) adopt(ctx context.Context, several func(*Record)) error {
	for last := int64(0); ; {
		list, err := u.Store.unanswered(ctx, chunk, last)
		if err != nil || len(list) == 0 {
			return err
		}
		last = list[len(list)-1].seq
		groups := make(map[string][]*Record) // of one object, with keys of the same fields
		for _, r := range list {
			names, _, err := keyOf(r)
			if err != nil {
				return err
			}
			of := strings.Join(append([]string{r.Org, r.Object}, names...), sink.KeySep)
			groups[of] = append(groups[of], r)
		}
		for _, of := range slices.Sorted(maps.Keys(groups)) {
			if err := u.search(ctx, groups[of], several); err != nil {
				return err
			}
		}
	}
}

// adoptOrLeave adopts what can be, and leaves alone what may be one of several records.
func (u *Undo) adoptOrLeave(ctx context.Context) error {
	var several []*Record // few: the answer got lost, and the key is not unique
	err := u.adopt(ctx, func(r *Record) {
		r.Outcome, r.Code, r.Message = Left, CodeUnsure, "sent to be created, and no answer came: several records have its key"
		several = append(several, r)
	})
	if err != nil {
		return err
	}
	return u.Store.decided(ctx, several)
}

// search looks for records of one object by their keys, which are of the same fields.
func (u *Undo) search(ctx context.Context, alike []*Record, several func(*Record)) error {
	org, err := u.org(alike[0].Org)
	if err != nil {
		return err
	}
	fields, err := u.Store.fields(ctx, alike[0].Org, alike[0].Object)
	if err != nil {
		return err
	}
	names, _, err := keyOf(alike[0])
	if err != nil {
		return err
	}
	q := sink.Lookup{Object: alike[0].Object, Fresh: true}
	for _, name := range names {
		f, known := fields[name]
		if !known {
			f = field{Name: name, Type: schema.String}
		}
		q.By = append(q.By, sink.KeyField{Name: name, Fold: f.schema().FoldKey})
	}
	byKey := make(map[string]*Record, len(alike))
	var keys []string
	for _, r := range alike {
		_, values, err := keyOf(r)
		if err != nil {
			return err
		}
		key := strings.Join(values, sink.KeySep)
		keys, byKey[key] = append(keys, key), r
	}
	ids := make(map[string]string)
	err = each(ctx, org.Matcher, &q, keys, func(key string, m []sink.Match) {
		switch r := byKey[key]; len(m) {
		case 0:
		case 1:
			ids[r.ID] = m[0].ID
		default:
			several(r)
		}
	})
	if err != nil {
		return err
	}
	return u.Store.adopt(ctx, alike[0].Org, alike[0].Object, ids)
}

// keyOf returns the fields, by name, and the values of the key of a record whose id never came.
func keyOf(r *Record) (names, values []string, err error) {
	var key map[string]string
	if err := json.Unmarshal([]byte(strings.TrimPrefix(r.ID, sentMark)), &key); err != nil {
		return nil, nil, failed("read", err)
	}
	for name := range key {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values = append(values, key[name])
	}
	return names, values, nil
}

// doubtful says why it is not known that the run created a record which it found after it had sent it to be created;
// "" if it is known. No record had its key when it was sent.
func (p *piece) doubtful(ctx context.Context, r *Record, stored Values) string {
	by := stored["CreatedById"].Text
	created, err := when(stored["CreatedDate"])
	user := ""
	if p.org.User != nil {
		user = p.org.User(ctx)
	}
	switch {
	case by == "" || err != nil || user == "":
		return "it came into being during the run, and the org does not say by whom"
	case schema.ID18(by) != schema.ID18(user):
		return "it came into being during the run, created by " + by
	case created.Before(r.first.Add(-clockSkew)):
		return "it was created on " + stored["CreatedDate"].Text + ", before the run sent it"
	}
	return ""
}
