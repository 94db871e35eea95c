package transform

import (
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"sfsync/mapping/convert"
)

// maxPhone is the longest text that is taken for a phone number, in bytes; Salesforce's fields
// have 40 characters.
const maxPhone = 250

// phone reads a phone number as people of a region write it, or with a country code in front,
// and gives it in the E.164 form: +49301234567. An extension is lost in that form, so that a
// number with one is refused, as is one that the region's numbering plan does not have.
func phone(region string) (Func, error) {
	region = strings.ToUpper(strings.TrimSpace(region))
	if region == "UK" { // ISO 3166 keeps it for the United Kingdom, whose code is another one
		region = "GB"
	}
	if !phonenumbers.GetSupportedRegions()[region] {
		return nil, &ArgError{0, fmt.Errorf("unknown region %q: use a country code such as DE or US", region)}
	}
	return func(b *Buffer, s string) (string, *convert.Problem) {
		if len(s) > maxPhone {
			return "", bad("%s is no phone number", convert.Quote(s))
		}
		n, err := phonenumbers.Parse(s, region)
		switch {
		case err != nil || !phonenumbers.IsValidNumber(n):
			return "", bad("%s is no phone number of %s, nor one with a country code", convert.Quote(s), region)
		case n.GetExtension() != "":
			return "", bad("%s has an extension, which the E.164 form cannot hold", convert.Quote(s))
		}
		start := len(b.b)
		b.b = append(b.b, phonenumbers.Format(n, phonenumbers.E164)...)
		return b.since(start), nil
	}, nil
}
