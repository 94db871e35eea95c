package propose

import (
	"slices"
	"strings"
	"unicode"

	"sfsync/mapping/schema"
)

// plain brings a name to what is compared: letters and digits in lower case, so that "E-Mail",
// "e_mail" and "email" are the same.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// synonyms are other words for what fields of the standard objects hold, in the plain form.
// The key is the plain name of a field, without the kind of an address in front.
func synonyms() map[string][]string {
	return map[string][]string{
		"email":             {"emailaddress", "mail", "mailaddress", "eaddress", "courriel", "correo", "correoelectronico", "correoelectrónico"},
		"phone":             {"phonenumber", "telephone", "telephonenumber", "tel", "telefon", "businessphone", "workphone", "téléphone", "telefono", "teléfono"},
		"mobilephone":       {"mobile", "mobilenumber", "cell", "cellphone", "handy", "mobil", "portable", "movil", "móvil"},
		"fax":               {"faxnumber", "telefax"},
		"firstname":         {"givenname", "forename", "vorname", "fname", "prenom", "prénom", "nombre", "first", "namefirst"},
		"lastname":          {"surname", "familyname", "nachname", "lname", "nom", "nomdefamille", "apellido", "apellidos", "last", "namelast"},
		"company":           {"companyname", "organisation", "organization", "firm", "firma", "employer", "accountname", "account", "société", "societe", "entreprise", "empresa"},
		"name":              {"accountname", "companyname", "company", "organisation", "organization", "firm", "title"},
		"title":             {"jobtitle", "position", "role", "function"},
		"salutation":        {"prefix", "anrede", "courtesytitle"},
		"website":           {"url", "homepage", "web", "site", "domain"},
		"street":            {"address", "streetaddress", "address1", "addressline1", "addr", "strasse", "straße", "rue", "adresse", "calle", "direccion", "dirección", "anschrift"},
		"city":              {"town", "ort", "stadt", "locality", "ville", "ciudad"},
		"state":             {"province", "region", "county", "stateprovince", "bundesland"},
		"postalcode":        {"postcode", "zip", "zipcode", "plz", "codepostal", "codigopostal", "códigopostal"},
		"country":           {"nation", "land", "countryname", "pays", "pais", "país", "countrycode"},
		"numberofemployees": {"employees", "employeecount", "headcount", "staff", "companysize"},
		"annualrevenue":     {"revenue", "turnover", "yearlyrevenue", "umsatz"},
		"industry":          {"sector", "branch", "branche"},
		"leadsource":        {"source", "origin", "channel"},
		"status":            {"stage", "state"},
		"description":       {"notes", "note", "comment", "comments", "remarks", "about"},
		"birthdate":         {"birthday", "dateofbirth", "dob", "geburtstag", "geburtsdatum"},
		"amount":            {"value", "total", "price"},
		"closedate":         {"closingdate", "close"},
		"stagename":         {"stage", "phase"},
		"subject":           {"title", "betreff"},
		"rating":            {"temperature", "grade"},
		"department":        {"dept", "abteilung"},
	}
}

// How well a column's name fits a field; below sure it is a guess that a person should look at.
const (
	fitName    = 100 // the API name, letter by letter
	fitPlain   = 95  // the API name or label, in the plain form
	sure       = 90
	fitPrefix  = 92 // the same behind the name of the object: contact_email
	fitSynonym = 85
	fitPath    = 10 // taken off for the last part of a path
	fitOther   = 3  // taken off for an address that is not the main one
)

// names are what one field answers to.
type names struct {
	field    *schema.Field
	prefixes []string // the object's own name and label
	plain    []string // API name and label
	synonyms []string
	other    bool
}

// namesOf lists what a field answers to. An address field answers to its part alone too:
// BillingCity to city.
func namesOf(o *schema.Object, f *schema.Field, words map[string][]string) names {
	base := strings.TrimSuffix(f.Name, "__c")
	n := names{field: f, plain: []string{plain(base), plain(f.Label)}, prefixes: objectNames(o)}
	concept := plain(base)
	for i, kind := range []string{"mailing", "billing", "shipping", "other"} {
		if rest, ok := strings.CutPrefix(concept, kind); ok && f.CompoundFieldName != "" {
			concept, n.other = rest, i > 1
			n.synonyms = append(n.synonyms, rest)
		}
	}
	n.synonyms = append(n.synonyms, words[concept]...)
	return n
}

// fit says how well a column's name fits the field; 0 is not at all.
func (n *names) fit(column string) int {
	best := n.fitWhole(column)
	if i := strings.LastIndexByte(column, '.'); i >= 0 {
		best = max(best, n.fitWhole(column[i+1:])-fitPath)
	}
	return best
}

func (n *names) fitWhole(column string) int {
	if column == n.field.Name {
		return fitName
	}
	p := plain(strings.TrimSuffix(column, "__c"))
	if p == "" {
		return 0
	}
	if fit := n.fitPlain(p); fit > 0 {
		return fit
	}
	for _, prefix := range n.prefixes {
		if rest, ok := strings.CutPrefix(p, prefix); ok && rest != "" {
			return min(n.fitPlain(rest), fitPrefix)
		}
	}
	return 0
}

func (n *names) fitPlain(p string) int {
	if slices.Contains(n.plain, p) {
		return fitPlain
	}
	if !slices.Contains(n.synonyms, p) {
		return 0
	}
	if n.other {
		return fitSynonym - fitOther
	}
	return fitSynonym
}

// objectNames are the names by which columns call an object.
func objectNames(o *schema.Object) []string {
	return []string{plain(strings.TrimSuffix(o.Name, "__c")), plain(o.Label)}
}

// about reports whether a column's name says that it is of the object: account.name, Account
// Name, account_name.
func about(column string, o *schema.Object) bool {
	i := strings.IndexFunc(column, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return i > 0 && slices.Contains(objectNames(o), plain(column[:i]))
}
