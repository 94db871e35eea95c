package source

// Remedy says what to do about rows that could not be read, by the code of their problem, or
// "" for a code of others.
func Remedy(code string) string {
	switch code {
	case "ROW_WIDTH":
		return "give the row as many cells as the header has columns; a cell that holds the delimiter needs quotes"
	case "BAD_QUOTE":
		return "close the quote, or double it where it belongs to the text"
	case CodeEncoding:
		return "name the file's encoding in the mapping (source: csv: encoding: windows-1252), or convert the file to UTF-8"
	case "BAD_BYTE":
		return "remove the NUL bytes from the file"
	case "BAD_JSON":
		return "write one JSON object a line"
	case "BAD_KEY":
		return "use fewer or shorter keys, or name the wanted ones in the mapping"
	case "LINE_TOO_LONG":
		return "split the row, or look for a quote that is never closed"
	case "TOO_DEEP":
		return "flatten the object"
	case "UNREADABLE":
		return "mend the row's own columns and empty sfsync_raw"
	}
	return ""
}
