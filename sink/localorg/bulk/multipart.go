package bulk

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"unicode/utf8"

	"sfsync/sink/localorg/rest"
)

// parts splits a request that creates a job: its document and, if it is a multipart one, the data (Bulk API
// 2.0 guide, "Upload Job Data with a multipart request": first the part job, then the part content).
func parts(rq *rest.Request) (doc []byte, content string, multi bool, bad *rest.Response) {
	kind, params, err := mime.ParseMediaType(rq.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return rq.Body, "", false, nil
	}
	found := false
	for r := multipart.NewReader(bytes.NewReader(rq.Body), params["boundary"]); ; {
		part, err := r.NextPart()
		if err == io.EOF { //nolint:errorlint // NextPart returns it bare
			break
		}
		if err != nil {
			return nil, "", true, refuse("API_ERROR", "The multipart request cannot be read: "+err.Error())
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, "", true, refuse("API_ERROR", "The multipart request cannot be read: "+err.Error())
		}
		switch part.FormName() {
		case "job":
			doc = text
		case "content":
			content, found = string(text), true
		}
	}
	switch {
	case doc == nil || !found:
		return nil, "", true, refuse("API_ERROR", "A multipart request has a part job and a part content")
	case utf8.RuneCountInString(content) > maxMultipart:
		return nil, "", true, refuse("API_ERROR", "The content of a multipart request must not exceed 100000 characters")
	}
	return doc, content, true, nil
}
