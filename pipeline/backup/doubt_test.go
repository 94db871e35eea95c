package backup

import (
	"context"
	"testing"
	"time"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/sink"
)

// TestLostCreations: a record that was created by itself, and the answer to that was lost, is taken back like any other
// that the run created, whether the run found it again, took it for one that was there, or did not come to it any more.
// Where the org does not say that it was this user who created it then, it is left alone, and the plan says so.
func TestLostCreations(t *testing.T) {
	const me, other = "005000000000001AAA", "005000000000002AAA"
	again := func(status sink.Status) func(*testing.T, *org, *Writer) {
		return func(t *testing.T, o *org, w *Writer) {
			req := request(sink.Update, baker, Values{"Key__c": text("002"), "Phone": text("2")})
			req.Records[0].Resend = true
			inner := w.Options.Writer
			w.Options.Writer = writerFunc(func(sink.Request) sink.Result { return sink.Result{Status: status, ID: baker} })
			write(t, w, req)
			w.Options.Writer = inner
		}
	}
	created := func(by string, ago time.Duration) func(o *org) {
		return func(o *org) {
			at := text(time.Now().Add(-ago).Format("2006-01-02T15:04:05.000-0700"))
			if v := o.records[baker]; v != nil {
				v["CreatedById"], v["LastModifiedById"], v["CreatedDate"], v["LastModifiedDate"] = text(by), text(by), at, at
			}
		}
	}
	for _, tt := range []struct {
		name string
		run  func(*testing.T, *org, *Writer) // after the answer was lost
		org  func(o *org)
		user string
		plan Fate
		fate Fate
		code string
	}{
		{"the org says that it was created", again(sink.Created), created(other, 0), "", Gone, Gone, ""},
		{"found again by this user", again(sink.Updated), created(me, 0), me, Gone, Gone, ""},
		{"found again, by another user", again(sink.Updated), created(other, 0), me, Unsure, Left, CodeUnsure},
		{"found again, older than the run", again(sink.Updated), created(me, time.Hour), me, Unsure, Left, CodeUnsure},
		{"nobody knows who asks", again(sink.Updated), created(me, 0), "", Unsure, Left, CodeUnsure},
		{"sent again and no answer again", again(sink.Unknown), created(me, 0), me, Gone, Gone, ""},
		{"never heard of again", func(*testing.T, *org, *Writer) {}, created(me, 0), me, Gone, Gone, ""},
		{"never heard of again, by another user", func(*testing.T, *org, *Writer) {}, created(other, 0), me, Unsure, Left, CodeUnsure},
		{"edited since", again(sink.Created), func(o *org) {
			created(me, 0)(o)
			o.records[baker]["Phone"] = text("9")
		}, me, Left, Left, CodeEdited},
		{"never heard of again, and edited since", func(*testing.T, *org, *Writer) {}, func(o *org) {
			created(me, 0)(o)
			o.records[baker]["Phone"] = text("9")
		}, me, Left, Left, CodeEdited},
		{"never heard of again, and several have its key", func(*testing.T, *org, *Writer) {}, func(o *org) {
			created(me, 0)(o)
			o.records[able] = Values{"Key__c": text("002")}
		}, me, Unsure, Left, CodeUnsure},
		{"it never came to be", func(_ *testing.T, o *org, _ *Writer) { delete(o.records, baker) }, created(me, 0), me, "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, o, w := world(t)
			target := *w.Target
			object := *target.Object
			for _, name := range auditFields() {
				object.Fields = append(object.Fields, &schema.Field{Name: name, Type: schema.DateTime})
			}
			object.Index()
			target.Object, target.Keys = &object, []mapping.Key{{Fields: []*schema.Field{object.Field("Key__c")}, Columns: []int{0}}}
			w.Target = &target
			delete(o.records, able)
			o.lost = true
			write(t, w, request(sink.Create, "", Values{"Key__c": text("002"), "Phone": text("2")}))
			o.lost = false
			tt.run(t, o, w)
			tt.org(o)
			u := &Undo{Store: s, Orgs: map[string]Org{"": {Writer: o, Matcher: o, User: func(context.Context) string { return tt.user }}}}
			counts, err := u.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if tt.plan != "" && counts["contact"][tt.plan] != 1 || tt.plan == "" && len(counts) > 0 {
				t.Errorf("planned %v, want %q", counts, tt.plan)
			}
			if err := u.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := all(t, s)
			if tt.fate == "" && len(got) == 0 {
				return
			}
			if len(got) != 1 || got[0].Outcome != tt.fate || got[0].Code != tt.code {
				t.Fatalf("%d records, want one %q %q: %+v", len(got), tt.fate, tt.code, got)
			}
			if id := got[0].ID; id != baker && id != "" || got[0].After["Phone"].Text != "2" {
				t.Errorf("the record is not the one that was sent: %+v", got[0])
			}
			if there := o.records[baker] != nil; there != (tt.fate != Gone) {
				t.Errorf("%q, and there: %t", tt.fate, there)
			}
		})
	}
}

// A creation that was answered is no doubtful one, and one that was refused leaves nothing.
func TestAnsweredCreations(t *testing.T) {
	s, o, w := world(t)
	target := *w.Target
	target.Keys = []mapping.Key{{Fields: []*schema.Field{target.Object.Field("Key__c")}, Columns: []int{0}}}
	w.Target = &target
	create(t, w)
	w.Options.Writer = writerFunc(func(sink.Request) sink.Result {
		return sink.Result{Status: sink.Failed, Err: &sink.Error{Code: "NO"}}
	})
	write(t, w, request(sink.Create, "", Values{"Key__c": text("003"), "Phone": text("3")}))
	left, err := s.unanswered(t.Context(), 10, 0)
	if err != nil || len(left) > 0 {
		t.Errorf("%d are left in doubt (%v)", len(left), err)
	}
	got := all(t, s)
	if len(got) != 1 || !got[0].Created || got[0].maybe || got[0].ID != baker || o.records[baker] == nil {
		t.Errorf("%+v", got)
	}
}
