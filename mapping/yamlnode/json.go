package yamlnode

import "encoding/json"

// AppendJSON appends a value as JSON, in the order of the file: plain numbers, truth values and
// null as themselves, as far as JSON writes them so, everything else as text. It stops soon after b
// is longer than limit, since an alias can stand for a long text many times, and reports false
// then, and for a value that holds a Broken one.
func (n *Node) AppendJSON(b []byte, limit int) ([]byte, bool) {
	switch {
	case n.Broken:
		return b, false
	case n.Kind == Map:
		b = append(b, '{')
		for i, pair := range n.Pairs {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, pair.Key.Text), ':')
			var ok bool
			if b, ok = pair.Value.AppendJSON(b, limit); !ok {
				return b, false
			}
		}
		b = append(b, '}')
	case n.Kind == Seq:
		b = append(b, '[')
		for i, item := range n.Items {
			if i > 0 {
				b = append(b, ',')
			}
			var ok bool
			if b, ok = item.AppendJSON(b, limit); !ok {
				return b, false
			}
		}
		b = append(b, ']')
	case n.IsNull():
		b = append(b, "null"...)
	case n.Style == Plain && literal(n.Text):
		b = append(b, n.Text...)
	default:
		b = appendText(b, n.Text)
	}
	return b, len(b) <= limit
}

// literal reports whether a plain text is a number or a truth value of JSON.
func literal(s string) bool {
	switch {
	case s == "true" || s == "false":
		return true
	case s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9'):
		return false
	}
	return json.Valid([]byte(s))
}

func appendText(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return append(b, text...)
}
