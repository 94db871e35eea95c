package catalog

import "strings"

// stage is what an opportunity's stage says of it, as an org out of the box has them (Salesforce Help, "Opportunity
// Stages"; which of them count as pipeline is unconfirmed).
type stage struct {
	probability float64
	forecast    string // ForecastCategory; ForecastCategoryName has the same with a blank
	won, closed bool
}

func stageOf(name string) (stage, bool) {
	switch name {
	case "Prospecting", "Qualification":
		return stage{10, "Pipeline", false, false}, true
	case "Needs Analysis":
		return stage{20, "Pipeline", false, false}, true
	case "Value Proposition":
		return stage{50, "Pipeline", false, false}, true
	case "Id. Decision Makers":
		return stage{60, "Pipeline", false, false}, true
	case "Perception Analysis":
		return stage{70, "Pipeline", false, false}, true
	case "Proposal/Price Quote":
		return stage{75, "Pipeline", false, false}, true
	case "Negotiation/Review":
		return stage{90, "Pipeline", false, false}, true
	case "Closed Won":
		return stage{100, "Closed", true, true}, true
	case "Closed Lost":
		return stage{0, "Omitted", false, true}, true
	}
	return stage{forecast: "Pipeline"}, false
}

// Derive sets the fields that follow from others: whether opportunities, cases and tasks are closed, and what an
// opportunity's stage says. It changes nothing if the field they follow from was not given.
func (r *Record) Derive() {
	switch r.Object.Def.Name {
	case "Opportunity":
		name, given := r.text("StageName")
		if !given {
			return
		}
		s, known := stageOf(name)
		r.derive("IsClosed", boolInt(s.closed), true)
		r.derive("IsWon", boolInt(s.won), true)
		r.derive("ForecastCategory", s.forecast, true)
		r.derive("ForecastCategoryName", s.forecast, false)
		if known {
			r.derive("Probability", s.probability, false)
		}
	case "Case":
		if status, given := r.text("Status"); given {
			r.derive("IsClosed", boolInt(strings.HasPrefix(status, "Closed")), true)
		}
	case "Task":
		if status, given := r.text("Status"); given {
			r.derive("IsClosed", boolInt(status == "Completed"), true)
		}
	}
}

func (r *Record) text(field string) (string, bool) {
	v, given := r.Value(r.Object.Field(field))
	s, _ := v.(string)
	return s, given
}

// derive sets a field if the object has it; one that people can write only if it was not given.
func (r *Record) derive(field string, v any, always bool) {
	if f := r.Object.Field(field); f != nil && (always || !r.Given(f)) {
		r.Put(f, v)
	}
}

// CheckStandard refuses what Salesforce's own objects do not allow beyond what describe says. (The texts are
// unconfirmed.)
func (r *Record) CheckStandard() *Error {
	switch r.Object.Def.Name {
	case "Lead":
		if status, _ := r.text("Status"); LeadConverted(status) {
			return &Error{Code: "CANNOT_UPDATE_CONVERTED_LEAD", Message: "The status of a lead is set to " + status + " by its conversion", Fields: []string{"Status"}}
		}
	case "CampaignMember":
		lead, givenLead := r.text("LeadId")
		contact, givenContact := r.text("ContactId")
		campaign, created := r.text("CampaignId")
		if created && campaign != "" && lead == "" && contact == "" {
			return errRequired([]string{"LeadId", "ContactId"})
		}
		if givenLead && givenContact && lead != "" && contact != "" {
			return &Error{Code: "FIELD_INTEGRITY_EXCEPTION", Message: "A campaign member is a lead or a contact, not both", Fields: []string{"LeadId", "ContactId"}}
		}
	}
	return nil
}
