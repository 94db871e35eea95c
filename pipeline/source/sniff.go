package source

import (
	"bytes"

	"sfsync/pipeline/source/inputerr"
	"sfsync/pipeline/source/jsonl"
)

// foreign are the first bytes of files that people take for CSV, and what to do with them.
//
//nolint:gochecknoglobals // a table that never changes
var foreign = [...]struct{ magic, what, advice string }{
	{"PK\x03\x04", "a zip archive or an Excel workbook (.xlsx)", "save it as CSV (UTF-8), or unpack it"},
	{"\xD0\xCF\x11\xE0", "an old Excel workbook (.xls)", "save it as CSV (UTF-8)"},
	{"%PDF-", "a PDF document", "export the data as CSV"},
	{"SQLite format 3\x00", "an SQLite database", "export the table as CSV"},
	{"Obj\x01", "an Avro file", "convert it to JSON Lines"},
	{"ORC", "an ORC file", "convert it to CSV"},
	{"ARROW1\x00\x00", "an Arrow file", "convert it to CSV"},
	{"BZh", "a bzip2 stream", "unpack it, or compress it with gzip or zstd"},
	{"\xFD7zXZ\x00", "an xz stream", "unpack it, or compress it with gzip or zstd"},
	{"\x04\x22\x4D\x18", "an lz4 stream", "unpack it, or compress it with gzip or zstd"},
	{"7z\xBC\xAF\x27\x1C", "a 7-Zip archive", "unpack it"},
	{"Rar!\x1A\x07", "a RAR archive", "unpack it"},
	{"\x1F\x8B", "compressed twice", "unpack it once"},
	{"\x28\xB5\x2F\xFD", "compressed twice", "unpack it once"},
	{"{\\rtf", "an RTF document", "save it as plain text"},
	{"\x89PNG", "an image", "name another file"},
	{"\xFF\xD8\xFF", "an image", "name another file"},
	{"\x7FELF", "a program", "name another file"},
	{"\xFF\xFE\x00\x00", "text in UTF-32", "save it as UTF-8"},
	{"\x00\x00\xFE\xFF", "text in UTF-32", "save it as UTF-8"},
}

// refuse recognizes contents that are no rows at all.
func refuse(path string, head []byte) error {
	for _, f := range foreign {
		// ORC and BZh are letters too: a header may begin with them, but not with a NUL soon after.
		if bytes.HasPrefix(head, []byte(f.magic)) && (len(f.magic) > 3 || f.magic[0] >= 0x80 || f.magic[0] < ' ' || bytes.IndexByte(head[:min(len(head), 512)], 0) >= 0 || !plainText(head)) {
			return inputerr.Malformed(path, "is %s, not CSV, JSON Lines or Parquet: %s", f.what, f.advice)
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return inputerr.Malformed(path, "is a tar archive, not CSV, JSON Lines or Parquet: unpack it")
	}
	start := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head[:min(len(head), 1024)], []byte("\xEF\xBB\xBF")), " \t\r\n"))
	for _, tag := range [...]string{"<!doctype html", "<html", "<?xml"} {
		if bytes.HasPrefix(start, []byte(tag)) {
			return inputerr.Malformed(path, "is a web page or XML, not CSV, JSON Lines or Parquet: was the download an error page?")
		}
	}
	return nil
}

// plainText reports whether the beginning of a file has no control characters but those of text.
func plainText(head []byte) bool {
	for _, c := range head[:min(len(head), 512)] {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// startsLikeJSON reports whether the first character that is no blank opens a JSON value.
func startsLikeJSON(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), " \t\r\n")
	if len(head) > 1 && head[0] == 0 { // UTF-16, most significant byte first
		head = head[1:]
	}
	if bytes.HasPrefix(head, []byte{0xFF, 0xFE}) || bytes.HasPrefix(head, []byte{0xFE, 0xFF}) {
		head = bytes.Trim(head[2:min(len(head), 4)], "\x00")
	}
	return len(head) > 0 && (head[0] == '{' || head[0] == '[')
}

// looksLikeJSONLines reports whether the first line is a JSON object.
func looksLikeJSONLines(head []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), []byte("\n"))
	line = bytes.TrimSpace(line)
	return len(line) > 1 && line[0] == '{' && jsonl.Valid(line)
}
