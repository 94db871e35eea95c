package sourcetest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
)

// Leads returns n rows of 21 columns that look like a marketing export.
func Leads(n int) (header []string, rows [][]string) {
	header = []string{"id", "email", "first_name", "last_name", "company", "title", "phone", "street", "city", "state", "postal_code", "country", "employees", "revenue", "rating", "source", "newsletter", "first_seen", "score", "segment", "notes"}
	cities := []string{"Köln", "Springfield", "São Paulo", "Nowhere", "Łódź", "Austin"}
	for i := range n {
		notes := ""
		switch i % 7 {
		case 0:
			notes = "asked for a demo, call back"
		case 3:
			notes = "said \"maybe\"\nsecond line"
		}
		rows = append(rows, []string{
			fmt.Sprintf("mkt-%09d", i), fmt.Sprintf("person.%d@example.com", i), "Alexandra", "Montgomery-Smith", fmt.Sprintf("Example Industries %d, Inc.", i%997),
			"Senior Director of Engineering", fmt.Sprintf("+1-555-01%02d", i%100), fmt.Sprintf("%d Long Street Name", i%9999), cities[i%len(cities)], "CA", fmt.Sprintf("%05d", i%99999), "Germany",
			fmt.Sprint(i % 5000), fmt.Sprintf("%d.%02d", i%1000000, i%100), "Hot", "Webinar", "true", "2026-11-01T12:34:56Z", fmt.Sprintf("%d.5", i%100), "enterprise", notes,
		})
	}
	return header, rows
}

// LeadsCSV returns n of them as CSV.
func LeadsCSV(n int) []byte {
	header, rows := Leads(n)
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	_ = w.Write(header)
	_ = w.WriteAll(rows)
	return buf.Bytes()
}

// LeadsJSONL returns n of them as JSON Lines, with an object for the company.
func LeadsJSONL(n int) []byte {
	header, rows := Leads(n)
	var buf bytes.Buffer
	for _, r := range rows {
		buf.WriteByte('{')
		for i, v := range r {
			if i > 0 {
				buf.WriteByte(',')
			}
			k, _ := json.Marshal(header[i])
			buf.Write(k)
			buf.WriteByte(':')
			if header[i] == "company" {
				c, _ := json.Marshal(map[string]any{"name": v, "employees": json.Number(r[12])})
				buf.Write(c)
				continue
			}
			switch header[i] {
			case "employees", "revenue", "score", "newsletter":
				buf.WriteString(v)
			default:
				s, _ := json.Marshal(v)
				buf.Write(s)
			}
		}
		buf.WriteString("}\n")
	}
	return buf.Bytes()
}

// LeadPaths are the paths of all their values in JSON Lines.
func LeadPaths() []string {
	header, _ := Leads(0)
	var paths []string
	for _, h := range header {
		if h == "company" {
			h = "company.name"
		}
		paths = append(paths, h)
	}
	return paths
}
