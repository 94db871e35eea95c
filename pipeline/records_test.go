package pipeline_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every case is a mapping's targets, what the org has, rows, what becomes of them and what the org has then.
func TestRecords(t *testing.T) {
	t.Parallel()
	lead := func(extra string) string {
		return "- object: Lead\n  name: lead\n" + extra + "  fields: {Ext__c: ext, Email: email, LastName: {from: last, blank: fail}, Company: {value: Acme}, Value__c: value}\n"
	}
	cases := map[string]struct {
		targets string
		has     func(o *world)
		rows    string
		want    string
		objects map[string][]string
	}{
		"a find fills the field; each value is asked for once": {
			targets: "- object: Visit__c\n  name: visit\n  match: Ext__c\n  fields: {Ext__c: ext, Owner__c: {lookup: User.Username, from: owner}}\n",
			has: func(o *world) {
				o.add("User", record{"Username": "ann@x.org"})
				o.add("User", record{"Username": "twin@x.org"})
				o.add("User", record{"Username": "Twin@x.org"})
			},
			rows: "ext,owner\n1,ann@x.org\n2,ANN@x.org\n3,bob@x.org\n4,twin@x.org\n5,\n",
			want: "2 visit created\n3 visit created\n4 visit failed LOOKUP_NOT_FOUND Owner__c\n5 visit failed LOOKUP_AMBIGUOUS Owner__c\n6 visit created\n",
			objects: map[string][]string{
				"Visit__c": {"Ext__c=1 Owner__c=(User Username=ann@x.org)", "Ext__c=2 Owner__c=(User Username=ann@x.org)", "Ext__c=5"},
			},
		},
		"a record refers to another of its row": {
			targets: lead("  match: Ext__c\n  when: ext != \"4\"\n") +
				"- object: Visit__c\n  name: visit\n  match: Ext__c\n  fields: {Ext__c: ext, Lead__c: {ref: lead}}\n",
			has:  func(o *world) { o.add("Lead", record{"Ext__c": "2", "LastName": "Old"}) },
			rows: "ext,email,last,value\n1,a@x.org,A,\n2,b@x.org,B,\n3,c@x.org,,\n4,d@x.org,D,\n",
			want: "2 lead created\n2 visit created\n3 lead updated\n3 visit created\n" +
				"4 lead failed REQUIRED_FIELD_MISSING LastName\n4 visit failed PARENT_FAILED Lead__c\n5 lead skipped WHEN_FALSE\n5 visit created\n",
			objects: map[string][]string{"Visit__c": {
				"Ext__c=1 Lead__c=(Lead Company=Acme Email=a@x.org Ext__c=1 LastName=A)",
				"Ext__c=2 Lead__c=(Lead Company=Acme Email=b@x.org Ext__c=2 LastName=B)", "Ext__c=4",
			}},
		},
		"keys in order: the first that finds decides": {
			targets: lead("  match: [Ext__c, Email]\n"),
			has: func(o *world) {
				o.add("Lead", record{"Ext__c": "1", "Email": "a@x.org"})
				o.add("Lead", record{"Email": "b@x.org"})
				o.add("Lead", record{"Ext__c": "9", "Email": "c@x.org"})
			},
			rows: "ext,email,last,value\n1,new@x.org,A,1\n2,B@x.org,B,2\n3,c@x.org,C,3\n,c@x.org,C,4\n5,e@x.org,E,5\n,f@x.org,F,6\n,,G,7\n",
			want: "2 lead updated\n3 lead updated\n4 lead failed MATCH_CONFLICT Ext__c\n5 lead updated\n6 lead created\n7 lead created\n8 lead failed MATCH_KEY_BLANK Ext__c\n",
			objects: map[string][]string{"Lead": {
				"Company=Acme Email=B@x.org Ext__c=2 LastName=B Value__c=2", "Company=Acme Email=c@x.org Ext__c=9 LastName=C Value__c=4",
				"Company=Acme Email=e@x.org Ext__c=5 LastName=E Value__c=5", "Company=Acme Email=f@x.org LastName=F Value__c=6",
				"Company=Acme Email=new@x.org Ext__c=1 LastName=A Value__c=1",
			}},
		},
		"rows that share any key are in order": {
			targets: lead("  match: [Ext__c, Email]\n"),
			rows:    "ext,email,last,value\n1,a@x.org,A,1\n,A@x.org,A,2\n1,a@x.org,A,3\n,b@x.org,B,4\n2,b@x.org,B,5\n",
			want:    "2 lead created\n3 lead updated\n4 lead updated\n5 lead created\n6 lead updated\n",
			objects: map[string][]string{"Lead": {
				"Company=Acme Email=a@x.org Ext__c=1 LastName=A Value__c=3", "Company=Acme Email=b@x.org Ext__c=2 LastName=B Value__c=5",
			}},
		},
		"a composite key of references": {
			targets: lead("  match: Ext__c\n") +
				"- object: CampaignMember\n  name: member\n  match: [[LeadId, CampaignId]]\n  fields: {LeadId: {ref: lead}, CampaignId: {lookup: Campaign.Code__c, from: campaign}, Status: status}\n",
			has:  func(o *world) { o.add("Campaign", record{"Code__c": "C1"}); o.add("Campaign", record{"Code__c": "C2"}) },
			rows: "ext,email,last,value,campaign,status\n1,a@x.org,A,,C1,Sent\n1,a@x.org,A,,C1,Responded\n1,a@x.org,A,,C2,Sent\n2,b@x.org,B,,C1,Sent\n",
			want: "2 lead created\n2 member created\n3 lead updated\n3 member updated\n4 lead updated\n4 member created\n5 lead created\n5 member created\n",
			objects: map[string][]string{"CampaignMember": {
				"CampaignId=(Campaign Code__c=C1) LeadId=(Lead Company=Acme Email=a@x.org Ext__c=1 LastName=A) Status=Responded",
				"CampaignId=(Campaign Code__c=C1) LeadId=(Lead Company=Acme Email=b@x.org Ext__c=2 LastName=B) Status=Sent",
				"CampaignId=(Campaign Code__c=C2) LeadId=(Lead Company=Acme Email=a@x.org Ext__c=1 LastName=A) Status=Sent",
			}},
		},
		"of several the newest": {
			targets: lead("  match: Email\n  on_many: newest\n"), has: threeLeads,
			rows: "ext,email,last,value\n1,a@x.org,A,1\n", want: "2 lead updated\n",
			objects: map[string][]string{"Lead": {"Company=Acme Email=a@x.org Ext__c=1 LastName=A Name=2 Value__c=1", "Email=a@x.org Name=1", "Email=a@x.org Name=3"}},
		},
		"of several the oldest": {
			targets: lead("  match: Email\n  on_many: oldest\n"), has: threeLeads,
			rows: "ext,email,last,value\n1,a@x.org,A,1\n", want: "2 lead updated\n",
			objects: map[string][]string{"Lead": {"Company=Acme Email=a@x.org Ext__c=1 LastName=A Name=1 Value__c=1", "Email=a@x.org Name=2", "Email=a@x.org Name=3"}},
		},
		"of several none": {
			targets: lead("  match: Email\n  on_many: skip\n"), has: threeLeads,
			rows: "ext,email,last,value\n1,a@x.org,A,1\n", want: "2 lead skipped DUPLICATE_EXTERNAL_ID Email\n",
		},
		"several are an error": {
			targets: lead("  match: Email\n"), has: threeLeads,
			rows: "ext,email,last,value\n1,a@x.org,A,1\n", want: "2 lead failed DUPLICATE_EXTERNAL_ID Email\n",
		},
		"only what is empty is filled": {
			targets: "- object: Lead\n  name: lead\n  match: Ext__c\n  fields: {Ext__c: ext, LastName: {from: last, only_if: empty}, Company: {value: Acme, only_if: empty}}\n",
			has: func(o *world) {
				o.add("Lead", record{"Ext__c": "1", "LastName": "Old"})
				o.add("Lead", record{"Ext__c": "2", "LastName": "Old", "Company": "Old"})
			},
			rows: "ext,last\n1,A\n2,B\n3,C\n1,D\n3,E\n",
			want: "2 lead updated\n3 lead unchanged\n4 lead created\n5 lead unchanged\n6 lead unchanged\n",
			objects: map[string][]string{"Lead": {
				"Company=Acme Ext__c=1 LastName=Old", "Company=Acme Ext__c=3 LastName=C", "Company=Old Ext__c=2 LastName=Old",
			}},
		},
		"insert with a key adds what is missing": {
			targets: lead("  operation: insert\n  match: Ext__c\n"),
			has:     func(o *world) { o.add("Lead", record{"Ext__c": "1", "LastName": "Old"}) },
			rows:    "ext,email,last,value\n1,a@x.org,A,1\n2,b@x.org,B,2\n2,b@x.org,B,3\n",
			want:    "2 lead unchanged\n3 lead created\n4 lead unchanged\n",
			objects: map[string][]string{"Lead": {"Company=Acme Email=b@x.org Ext__c=2 LastName=B Value__c=2", "Ext__c=1 LastName=Old"}},
		},
		"update with a key changes what is there": {
			targets: "- object: Lead\n  name: lead\n  operation: update\n  match: Ext__c\n  fields: {Ext__c: ext, Value__c: value}\n",
			has:     func(o *world) { o.add("Lead", record{"Ext__c": "1"}) },
			rows:    "ext,value\n1,1\n2,2\n1,3\n",
			want:    "2 lead updated\n3 lead failed NOT_FOUND Ext__c\n4 lead updated\n",
			objects: map[string][]string{"Lead": {"Ext__c=1 Value__c=3"}},
		},
		"delete by a key": {
			targets: "- object: Lead\n  name: lead\n  operation: delete\n  match: Ext__c\n  fields: {Ext__c: ext}\n",
			has:     func(o *world) { o.add("Lead", record{"Ext__c": "1"}); o.add("Lead", record{"Ext__c": "2"}) },
			rows:    "ext\n1\n3\n1\n",
			want:    "2 lead deleted\n3 lead skipped NOT_FOUND Ext__c\n4 lead skipped NOT_FOUND Ext__c\n",
			objects: map[string][]string{"Lead": {"Ext__c=2"}},
		},
		"delete by id": {
			targets: "- object: Lead\n  name: lead\n  operation: delete\n  match: Id\n  fields: {Id: id}\n",
			has:     func(o *world) { o.add("Lead", record{"Ext__c": "1"}) },
			rows:    "id\n00Q000000000001\n00Q000000000009\n",
			want:    "2 lead deleted\n3 lead skipped NOT_FOUND Id\n",
			objects: map[string][]string{"Lead": nil},
		},
		"events are published": {
			targets: "- object: News__e\n  name: news\n  operation: publish\n  fields: {Text__c: text}\n",
			rows:    "text\nA\nA\n", want: "2 news published\n3 news published\n",
			objects: map[string][]string{"News__e": {"Text__c=A", "Text__c=A"}},
		},
		"a converted lead is an error": {
			targets: lead("  match: Email\n"), has: convertedLeads,
			rows: "ext,email,last,value\n1,a@x.org,A,1\n2,both@x.org,B,2\n",
			want: "2 lead failed CANNOT_UPDATE_CONVERTED_LEAD Email\n3 lead updated\n",
		},
		"a converted lead is skipped": {
			targets: lead("  match: Email\n  on_converted: skip\n"), has: convertedLeads,
			rows: "ext,email,last,value\n1,a@x.org,A,1\n", want: "2 lead skipped CONVERTED Email\n",
		},
		"a converted lead leads to its contact": {
			targets: lead("  match: Email\n  on_converted: contact\n") + "- object: Contact\n  name: contact\n  when: false\n  operation: update\n  fields: {Value__c: value}\n",
			has:     convertedLeads,
			rows:    "ext,email,last,value\n1,a@x.org,A,1\n2,none@x.org,B,2\n3,new@x.org,C,3\n1,a@x.org,A,4\n",
			want: "2 contact updated\n2 lead skipped CONVERTED Email\n3 contact skipped WHEN_FALSE\n3 lead failed CONVERTED_WITHOUT_CONTACT Email\n" +
				"4 contact skipped WHEN_FALSE\n4 lead created\n5 contact updated\n5 lead skipped CONVERTED Email\n",
			objects: map[string][]string{"Contact": {"LastName=A Value__c=4"}},
		},
		"a lookup makes the parent that is missing, once": {
			targets: "- object: Visit__c\n  name: visit\n  match: Ext__c\n  fields: {Ext__c: ext, Account__c: {lookup: Account.ERP_Id__c, from: erp, create: true, fields: {Name: company}}}\n",
			has:     func(o *world) { o.add("Account", record{"ERP_Id__c": "E1", "Name": "Old"}) },
			rows:    "ext,erp,company\n1,E1,One\n2,E2,Two\n3,e2,Other\n4,,\n",
			want: "2 visit created\n2 visit.Account__c unchanged\n3 visit created\n3 visit.Account__c created\n4 visit created\n4 visit.Account__c unchanged\n" +
				"5 visit created\n",
			objects: map[string][]string{
				"Account": {"ERP_Id__c=E1 Name=Old", "ERP_Id__c=E2 Name=Two"},
				"Visit__c": {
					"Account__c=(Account ERP_Id__c=E1 Name=Old) Ext__c=1", "Account__c=(Account ERP_Id__c=E2 Name=Two) Ext__c=2",
					"Account__c=(Account ERP_Id__c=E2 Name=Two) Ext__c=3", "Ext__c=4",
				},
			},
		},
		"records refer to others of the same object that come later": {
			targets: "- object: Account\n  name: account\n  match: ERP_Id__c\n  fields: {ERP_Id__c: erp, Name: name, ParentId: {lookup: Account.ERP_Id__c, from: parent}}\n",
			has:     func(o *world) { o.add("Account", record{"ERP_Id__c": "E9", "Name": "Nine"}) },
			rows:    "erp,name,parent\nE1,One,E2\nE2,Two,E9\nE3,Three,\nE4,Four,E7\n,Five,E1\n",
			want: "2 account created\n2 account.references updated\n3 account created\n3 account.references updated\n4 account created\n" +
				"5 account created\n5 account.references failed LOOKUP_NOT_FOUND ParentId\n6 account failed MATCH_KEY_BLANK ERP_Id__c\n",
			objects: map[string][]string{"Account": {
				"ERP_Id__c=E1 Name=One ParentId=E2",
				"ERP_Id__c=E2 Name=Two ParentId=E9", "ERP_Id__c=E3 Name=Three", "ERP_Id__c=E4 Name=Four", "ERP_Id__c=E9 Name=Nine",
			}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, workers := range []int{1, 4} {
				p, o := worldOf(t, c.targets)
				if c.has != nil {
					c.has(o)
				}
				_, dir := play(t, p, o, c.rows, workersOf(workers))
				if d := cmp.Diff(c.want, outcomes(t, dir)); d != "" {
					t.Errorf("outcomes (-want +got):\n%s", d)
				}
				for object, want := range c.objects {
					wantLines(t, object, o.dump(object), want)
				}
				_, before := worldOf(t, c.targets)
				if c.has != nil {
					c.has(before)
				}
				if d := cmp.Diff(c.want, asRun(rehearsal(t, p, before, c.rows, workers), c.want)); d != "" {
					t.Errorf("rehearsal (-want +got):\n%s", d)
				}
				if t.Failed() {
					t.Log(strings.Join(o.writes, "; "), "|", strings.Join(o.lookups, "; "))
					return
				}
			}
		})
	}
}

// threeLeads have one address; the second is the newest, the first and the third are as old, and the first has the lower id.
func threeLeads(o *world) {
	o.add("Lead", record{"Email": "a@x.org", "Name": "1", "CreatedDate": "2026-01-01T00:00:00.000+0000"})
	o.add("Lead", record{"Email": "a@x.org", "Name": "2", "CreatedDate": "2026-03-01T00:00:00.000+0000"})
	o.add("Lead", record{"Email": "a@x.org", "Name": "3", "CreatedDate": "2026-01-01T00:00:00.000+0000"})
}

func convertedLeads(o *world) {
	contact := o.add("Contact", record{"LastName": "A"})
	o.add("Lead", record{"Email": "a@x.org", "IsConverted": "true", "ConvertedContactId": contact})
	o.add("Lead", record{"Email": "none@x.org", "IsConverted": "true"})
	o.add("Lead", record{"Email": "both@x.org", "IsConverted": "true"})
	o.add("Lead", record{"Email": "both@x.org"})
}
