//go:build ignore

// Generate writes the data of the sample leads anew, the same bytes every time, below the
// directory that is named:
//
//	go run samples/generate/*.go samples
//
// Every name is made up, every address ends in a domain reserved for examples (RFC 2606), and
// every phone number is one of those kept for fiction (NANP 555-01xx).
package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	firstDay  = "leads/leads-2026-11-01.csv"
	secondDay = "leads/leads-2026-11-02.jsonl"
	thirdDay  = "leads/leads-2026-11-03.parquet"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run samples/generate/*.go DIRECTORY")
	}
	if err := generate(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// generate writes the files of all days below a directory.
func generate(dir string) error {
	g := &generator{Rand: rand.New(rand.NewPCG(2026, 11)), taken: map[string]bool{}}
	for n := range 2900 {
		g.people = append(g.people, g.person(n+1))
	}
	// The first day has 2,300 people, 200 of them twice: again at once or later, with news.
	day := g.people[:2300]
	rows := make([]*person, 0, 2500)
	rows = append(rows, day...)
	for i := range 200 {
		at := g.IntN(len(rows))
		if i%10 == 0 {
			rows = insert(rows, at+1, g.news(rows[at], 1))
		} else {
			rows = insert(rows, at+1+g.IntN(len(rows)-at), g.news(rows[at], 1))
		}
	}
	text, err := csvText(rows)
	if err != nil {
		return err
	}
	if err := write(dir, firstDay, text); err != nil {
		return err
	}
	// The second day has 900 of them again and 600 new ones.
	rows = rows[:0]
	for _, i := range g.Perm(2300)[:900] {
		rows = append(rows, g.news(g.people[i], 2))
	}
	for _, p := range g.people[2300:] {
		rows = insert(rows, g.IntN(len(rows)+1), p)
	}
	if err := write(dir, secondDay, g.jsonText(rows)); err != nil {
		return err
	}
	// The third day has 800 of all of them once more, as a warehouse exports them.
	rows = rows[:0]
	for _, i := range g.Perm(2900)[:800] {
		rows = append(rows, g.news(g.people[i], 3))
	}
	return write(dir, thirdDay, g.parquetFile(rows))
}

func write(dir, path string, text []byte) error {
	return os.WriteFile(filepath.Join(dir, filepath.FromSlash(path)), text, 0o644)
}

func insert(rows []*person, at int, p *person) []*person {
	rows = append(rows, nil)
	copy(rows[at+1:], rows[at:])
	rows[at] = p
	return rows
}

// person is one row: texts as the CSV has them, "" for a blank.
type person struct {
	id, email, name, title, phone                  string
	company, website, industry, employees, revenue string
	street, city, postal, country                  string
	score, newsletter, segment, plan, trialEnds    string
	firstSeen, source, rating, notes               string
}

type generator struct {
	*rand.Rand
	taken  map[string]bool // local parts of addresses
	people []*person
}

func (g *generator) pick(from []string) string { return from[g.IntN(len(from))] }

// some gives s in p of 100 cases, else a blank.
func (g *generator) some(p int, s string) string {
	if g.IntN(100) < p {
		return s
	}
	return ""
}

func (g *generator) person(n int) *person {
	first, last := g.pick(firstNames), g.pick(lastNames)
	p := &person{id: fmt.Sprintf("MK-%06d", 100_000+n*7), name: first + " " + last}
	switch g.IntN(40) {
	case 0:
		p.name = first + " " + g.pick(firstNames) + " " + last
	case 1:
		p.name = last // one word only
	case 2:
		p.name = "  " + first + "  " + last + " "
	}
	// Whoever has an address keeps it, and nobody else has it.
	if g.IntN(100) < 96 {
		p.email = g.address(first, last)
		switch g.IntN(25) {
		case 0:
			p.email = strings.ToUpper(p.email)
		case 1:
			p.email = " " + p.email
		}
	}
	p.title = g.some(80, g.pick(titles))
	if n%611 == 0 {
		p.title = "Interim Head of Everything That Has To Do With Data, Reports About Data, and the Meetings In Which Reports About Data Are Prepared"
	}
	p.phone = g.some(75, fmt.Sprintf(g.pick(phoneForms), g.pick(areaCodes), g.IntN(100)))
	stem := g.pick(companyNames)
	p.company = g.some(95, stem+g.pick(companyForms))
	p.website = g.some(60, "https://"+slug(stem)+".example."+g.pick([]string{"com", "org", "net"}))
	p.industry = g.some(70, g.pick(industries))
	size := 1 + int(g.ExpFloat64()*120)
	p.employees = g.some(70, strconv.Itoa(size))
	p.revenue = g.some(40, thousands(size*(40+g.IntN(160))*1000))
	place := places[g.IntN(len(places))]
	p.street = g.some(80, fmt.Sprintf(place.street, 1+g.IntN(180)))
	if p.street != "" && g.IntN(12) == 0 {
		p.street = g.pick([]string{"Building C, 3rd floor", "c/o Reception", "Hinterhaus, 2. OG", "Entrée B, «Les Tilleuls»"}) + "\n" + p.street
	}
	p.city, p.postal = place.city, fmt.Sprintf(place.postal, g.IntN(100))
	p.country = g.pick([]string{place.country, place.country, place.country, strings.ToLower(place.country)})
	g.traits(p)
	seen := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(g.IntN(245*86400)) * time.Second)
	switch g.IntN(3) {
	case 0:
		p.firstSeen = seen.In(time.FixedZone("", 2*3600)).Format("2006-01-02T15:04:05-07:00")
	case 1:
		p.firstSeen = seen.Format("2006-01-02T15:04:05.000Z")
	default:
		p.firstSeen = seen.Format(time.RFC3339)
	}
	p.source = g.some(90, g.pick([]string{"web", "web", "web", "phone", "partner", "list", "other", "Web"}))
	p.rating = g.some(50, g.pick([]string{"Hot", "Warm", "Cold", "warm", "HOT"}))
	p.notes = g.some(22, g.pick(notes))
	return p
}

// traits sets what changes from visit to visit.
func (g *generator) traits(p *person) {
	p.score = g.some(85, strconv.FormatFloat(float64(g.IntN(10_001))/100, 'f', -1, 64))
	p.newsletter = g.some(90, g.pick([]string{"yes", "no", "yes", "no", "ja", "nein", "Y", "N", "1", "0"}))
	p.segment = g.some(75, g.pick([]string{"SMB", "Mid-Market", "Enterprise", "Public Sector", "smb", "enterprise"}))
	p.plan = g.some(65, g.pick([]string{"free", "starter", "team", "business", "business plus"}))
	p.trialEnds = g.some(35, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, g.IntN(90)).Format("02.01.2006"))
}

// news is the person again on a later day, the key perhaps typed otherwise.
func (g *generator) news(old *person, day int) *person {
	p := *old
	p.id = strings.TrimSpace(p.id)
	switch g.IntN(8) {
	case 0:
		p.id = strings.ToLower(p.id)
	case 1:
		p.id = " " + p.id + " "
	}
	g.traits(&p)
	p.email = g.some(95, strings.ToLower(strings.TrimSpace(p.email)))
	if g.IntN(4) == 0 {
		p.title = g.some(85, g.pick(titles))
	}
	if g.IntN(3) == 0 {
		p.notes = fmt.Sprintf("Came back on day %d. %s", day, g.some(60, g.pick(notes)))
	}
	if g.IntN(3) == 0 {
		p.rating = g.pick([]string{"Hot", "Warm"})
	}
	return &p
}

// address is an address that nobody has yet.
func (g *generator) address(first, last string) string {
	base := slug(first) + "." + slug(last)
	base = strings.Trim(base, ".")
	if base == "" {
		base = "kontakt"
	}
	local := base
	for n := 2; g.taken[local]; n++ {
		local = base + strconv.Itoa(n)
	}
	g.taken[local] = true
	if g.IntN(10) == 0 {
		return local + "+news@example." + g.pick([]string{"com", "org", "net"})
	}
	return local + "@" + g.pick([]string{"example.com", "example.org", "example.net", "mail.example.com"})
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// columns are the header of the CSV and, at the dots, the nesting of the JSON.
var columns = []string{
	"marketing_id", "email", "full_name", "title", "phone", "company.name", "company.website", "company.industry", "company.employees",
	"company.revenue", "address.street", "address.city", "address.postal_code", "address.country", "traits.score", "traits.newsletter",
	"traits.segment", "traits.plan_name", "traits.trial_ends", "first_seen", "source", "rating", "notes",
}

func (p *person) cells() []string {
	return []string{
		p.id, p.email, p.name, p.title, p.phone, p.company, p.website, p.industry, p.employees,
		p.revenue, p.street, p.city, p.postal, p.country, p.score, p.newsletter,
		p.segment, p.plan, p.trialEnds, p.firstSeen, p.source, p.rating, p.notes,
	}
}

func csvText(rows []*person) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	lines := [][]string{columns}
	for _, p := range rows {
		lines = append(lines, p.cells())
	}
	err := w.WriteAll(lines)
	return b.Bytes(), err
}

// jsonText nests the columns at their dots. A blank is a key left out, now and then null or "".
func (g *generator) jsonText(rows []*person) []byte {
	var b bytes.Buffer
	for _, p := range rows {
		var top []string
		var inner []string
		group := ""
		flush := func() {
			if group != "" && len(inner) > 0 {
				top = append(top, quote(group)+":{"+strings.Join(inner, ",")+"}")
			}
			group, inner = "", nil
		}
		for i, cell := range p.cells() {
			value := g.jsonValue(columns[i], cell)
			at, key, nested := strings.Cut(columns[i], ".")
			if !nested {
				at, key = "", columns[i]
			}
			if at != group {
				flush()
				group = at
			}
			switch {
			case value == "":
			case nested:
				inner = append(inner, quote(key)+":"+value)
			default:
				top = append(top, quote(key)+":"+value)
			}
		}
		flush()
		b.WriteString("{" + strings.Join(top, ",") + "}\n")
	}
	return b.Bytes()
}

func (g *generator) jsonValue(column, cell string) string {
	if cell == "" {
		switch g.IntN(8) {
		case 0:
			return "null"
		case 1:
			if column != "company.employees" && column != "traits.score" {
				return `""`
			}
		}
		return ""
	}
	switch column {
	case "company.employees", "traits.score":
		return cell
	case "company.revenue":
		return strings.ReplaceAll(cell, ",", "")
	case "traits.newsletter":
		return strconv.FormatBool(strings.ContainsAny(cell[:1], "yYj1"))
	}
	return quote(cell)
}

func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // into memory
	return strings.TrimSpace(b.String())
}

// slug is what of a name can stand in a domain or address.
func slug(s string) string {
	s = strings.ToLower(plain.Replace(s))
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

var plain = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ö", "Oe", "Ü", "Ue", "ß", "ss", "é", "e", "è", "e", "ê", "e", "ë", "e", "É", "E", "á", "a", "à", "a",
	"â", "a", "ã", "a", "å", "a", "Å", "A", "ç", "c", "Ç", "C", "Č", "C", "č", "c", "ć", "c", "ñ", "n", "ń", "n", "ó", "o", "ò", "o", "ô", "o", "õ", "o", "ø", "o",
	"í", "i", "ï", "i", "î", "i", "ı", "i", "İ", "I", "ú", "u", "ů", "u", "ł", "l", "Ł", "L", "ś", "s", "š", "s", "Š", "S", "ş", "s", "Ş", "S", "ž", "z", "Ž", "Z",
	"ż", "z", "Ż", "Z", "ą", "a", "Ó", "O", "ý", "y", "ğ", "g", "ř", "r", "ě", "e", "ț", "t", "ă", "a", "ễ", "e", "ậ", "a", "ọ", "o", "đ", "d", "Đ", "D", "ð", "d", "þ", "th", "Ø", "O", "ả", "a",
	"佐藤", "sato", "健", "ken", "王", "wang", "芳", "fang", "Ελένη", "eleni", "Παππά", "pappa", "Ольга", "olga", "Иванова", "ivanova")

var firstNames = []string{
	"Ada", "Aarav", "Adriana", "Ahmed", "Aisha", "Alejandro", "Anaïs", "Anders", "Andrea", "Aoife", "Åsa", "Ayşe", "Beatriz", "Bjørn", "Camille", "Carlos", "Chiara",
	"Chloé", "Daniel", "Diego", "Dimitri", "Dorothea", "Elif", "Elisa", "Emeka", "Émile", "Eva", "Fatima", "Félix", "Finn", "Gabriela", "Giulia", "Grace", "Guðrún", "Hana",
	"Hans-Peter", "Helena", "Hiroshi", "Ines", "İpek", "Jakub", "Jana", "Jean-Luc", "João", "José", "Jürgen", "Kaja", "Katarzyna", "Kofi", "Lars", "Leïla", "Linh", "Łukasz",
	"Maëlle", "María José", "Marta", "Matěj", "Mehmet", "Mei", "Mia", "Michał", "Nadia", "Ngozi", "Noah", "Nuno", "Olga", "Óscar", "Pablo", "Petra", "Priya", "Rafał", "Rania",
	"Raúl", "Renée", "Rosa", "Samuel", "Šárka", "Sean", "Siobhán", "Sofia", "Søren", "Tariq", "Thảo", "Tomáš", "Ulrike", "Václav", "Wanjiru", "Xavier", "Yara", "Zoë", "Žofie",
	"健", "芳", "Ελένη", "Ольга",
}

var lastNames = []string{
	"Abebe", "Andersson", "Araújo", "Baptiste", "Bauer", "Becker-Nowak", "Bianchi", "Björnsdóttir", "Brânză", "Brown", "Castillo", "Čapek", "Chen", "Conti", "D'Angelo", "da Silva",
	"de la Cruz", "Demir", "Díaz", "Dubois", "Dvořák", "Eriksen", "Fernández", "Fischer", "Fournier", "García", "Goldberg", "Greenwood", "Groß", "Gupta", "Hansen", "Horváth", "Ibáñez",
	"Jansen", "Johansson", "Kaya", "Kim", "Kovačević", "Kowalczyk", "Lefèvre", "Lindqvist", "MacDonald", "Martínez", "Mbeki", "McAllister", "Meyer", "Müller", "Muñoz", "Nakamura",
	"Nguyễn", "Novák", "O'Brien", "O’Neill", "Øvergaard", "Okafor", "Olsen", "Østby", "Özdemir", "Patel", "Petrović", "Peña", "Popescu", "Quiñones", "Reyes", "Ribeiro", "Rossi",
	"Sánchez", "Schäfer", "Schmidt", "Şahin", "Silva", "Smith", "Söderberg", "Šimić", "Tanaka", "Taylor", "Thompson", "Tremblay", "Ünal", "van den Berg", "van Dijk", "Vasquez", "Vogel",
	"von Arnim", "Weiß", "Williams", "Wójcik", "Yıldız", "Zając", "Żukowska", "佐藤", "王", "Παππά", "Иванова",
}

var titles = []string{
	"CEO", "CTO", "Head of Marketing", "Head of Sales, EMEA", "Managing Director", "Geschäftsführerin", "Leiter Einkauf", "Directrice générale", "Responsable des achats", "Gerente de Compras",
	"Analista de Datos", "Responsabile Acquisti", "Data Engineer", "Sales Operations Manager", "Marketing Automation Specialist", "VP, Customer Success", "Founder & CEO", "Office Manager",
	"Sr. Software Engineer", "Product Owner", "IT-Leitung", "Projektleiterin \"Digital\"", "Student", "Freelancer",
}

var companyNames = []string{
	"Acorn & Ash", "Alpenglühn", "Amber Harbor", "Atelier Lumière", "Baltic Crane", "Blue Heron", "Brass \"Lion\"", "Café Solaris", "Cedar Ridge", "Cobalt Works", "Copper Kettle",
	"Dos Hermanos", "Eiffel Street", "Fjord & Fell", "Foxglove", "Grünwald", "Hearth, Home and More", "Hollow Oak", "Iberia Norte", "Juniper Lane", "Kestrel", "Kleinschmidt", "Lakeside",
	"L'Étoile du Nord", "Maple & Pine", "Meridian", "Moonrise", "Nordlicht", "Northwind Mills", "Old Mill", "Orchard House", "Paper Crane", "Pico Alto", "Quarry Hill", "Red Lantern",
	"Río Verde", "Saffron", "Silver Birch", "Škvorec", "Smørrebrød", "Stellar Forge", "Sünnerberg", "Tidewater", "Três Irmãos", "Umbra", "Vesper", "Weißdorn", "Wild Plum", "Zephyr", "Żuraw",
}

var companyForms = []string{" GmbH", " Ltd", " Ltd.", " Inc.", ", Inc.", " LLC", " S.A.", " SARL", " S.r.l.", " AG", " BV", " Oy", " AB", " Sp. z o.o.", " & Sons", "", ""}

var industries = []string{"Technology", "Manufacturing", "Retail", "Healthcare", "Finance", "Education", "Media", "Energy", "Consulting", "Not For Profit", "Food & Beverage", "Shipping"}

var (
	areaCodes  = []string{"201", "212", "303", "312", "404", "415", "503", "617", "702", "713", "808", "917"}
	phoneForms = []string{"+1-%s-555-01%02d", "+1 (%s) 555-01%02d", "+1 %s 555 01%02d", "1.%s.555.01%02d"}
)

type place struct{ street, city, postal, country string }

var places = []place{
	{"Lindenstraße %d", "Köln", "506%02d", "DE"},
	{"Königsallee %d", "Düsseldorf", "402%02d", "DE"},
	{"Prager Straße %d", "Dresden", "010%02d", "DE"},
	{"Hauptstr. %d a", "Frankfurt am Main", "603%02d", "DE"},
	{"Mariahilfer Straße %d", "Wien", "10%02d", "AT"},
	{"Bahnhofstrasse %d", "Zürich", "80%02d", "CH"},
	{"%d, rue de l'Église", "Orléans", "450%02d", "FR"},
	{"%d bis, avenue Foch", "Besançon", "250%02d", "FR"},
	{"Calle Mayor %d, 2º B", "Cádiz", "110%02d", "ES"},
	{"Via Garibaldi %d", "Forlì", "471%02d", "IT"},
	{"Rua das Flores, %d", "Évora", "7000-0%02d", "PT"},
	{"ul. Długa %d/4", "Łódź", "90-0%02d", "PL"},
	{"Dlouhá %d", "České Budějovice", "370 %02d", "CZ"},
	{"Storgatan %d", "Malmö", "211 %02d", "SE"},
	{"Strandvejen %d", "Ærøskøbing", "59%02d", "DK"},
	{"Keizersgracht %d", "Amsterdam", "10%02d AB", "NL"},
	{"%d Mill Lane", "Cork", "T12 X0%02d", "IE"},
	{"%d High Street", "Bath", "BA1 %02dQ", "GB"},
	{"%d Main St, Apt \"B\"", "Springfield", "627%02d", "US"},
	{"%d NW 23rd Ave", "Portland", "972%02d", "US"},
	{"%d Rue Sainte-Catherine", "Montréal", "H2X 1%02d", "CA"},
	{"Av. Paulista, %d", "São Paulo", "01310-1%02d", "BR"},
	{"İstiklal Cd. No:%d", "İstanbul", "344%02d", "TR"},
	{"%d Collins St", "Melbourne", "30%02d", "AU"},
}

var notes = []string{
	"Asked for a call back.",
	"Met at the fair;\nwants the price list by Friday.",
	"Said: \"We already have something like that.\"\nTry again in spring.",
	"Prefers e-mail. No calls before 10:00, please!",
	"Très intéressé par l'offre « Business ».",
	"Kommt über Empfehlung – bitte Hr. Weiß grüßen.",
	"Budget: 10,000–15,000 €; decision by Q1",
	"=) loves the newsletter",
	"-- left a voicemail --\n\n1. price?\n2. delivery time?\n3. who else uses it?",
	"Downloaded the white paper, twice.\tWants the slides too.",
	"Nächster Schritt: Demo am 12.11., 14 Uhr 🙂",
	"Student; not a customer yet, but writes about us at https://blog.example.org/?a=1&b=2",
}
