package localorg_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// bulk upserts rows by a Bulk API 2.0 job, as a loader does that trusts no connection: a request
// that was answered with "done already" after a lost answer was done.
func (c *stressed) bulk(rows map[string]string) error {
	status, answer, err := c.send("POST", "/services/data/v66.0/jobs/ingest", map[string]string{"object": "Lead", "operation": "upsert", "externalIdFieldName": "Ext__c"})
	if err != nil {
		return err
	}
	var job struct{ ID, State, ErrorMessage string }
	if status != 200 || json.Unmarshal(answer, &job) != nil {
		return fmt.Errorf("bulk: create: %d %.300s", status, answer)
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	_ = w.Write([]string{"Ext__c", "LastName", "Company"})
	for key, value := range rows {
		_ = w.Write([]string{key, value, "C"})
	}
	w.Flush()
	path := "/services/data/v66.0/jobs/ingest/" + job.ID
	if status, answer, err = c.send("PUT", path+"/batches", text.String()); err != nil {
		return err
	}
	if status != 201 && !strings.Contains(string(answer), "BULK_API_ERROR") {
		return fmt.Errorf("bulk: upload: %d %.300s", status, answer)
	}
	if status, answer, err = c.send("PATCH", path, map[string]string{"state": "UploadComplete"}); err != nil {
		return err
	}
	if status != 200 && !strings.Contains(string(answer), "INVALIDJOBSTATE") {
		return fmt.Errorf("bulk: close: %d %.300s", status, answer)
	}
	for wait := time.Millisecond; job.State != "JobComplete"; wait = min(2*wait, 200*time.Millisecond) {
		if status, answer, err = c.send("GET", path, nil); err != nil {
			return err
		}
		if status != 200 || json.Unmarshal(answer, &job) != nil || job.State == "Failed" || job.State == "Aborted" || job.State == "Open" {
			return fmt.Errorf("bulk: wait: %d %.300s", status, answer)
		}
		<-time.After(wait)
	}
	locked, err := c.bulkResults(path, rows)
	if err != nil || len(locked) == 0 {
		return err
	}
	return c.collection(locked) // what was locked goes another way
}

// bulkResults notes what a job did and returns the rows that were locked.
func (c *stressed) bulkResults(path string, rows map[string]string) (locked map[string]string, err error) {
	locked = map[string]string{}
	told := 0
	for _, set := range []string{"successfulResults", "failedResults", "unprocessedrecords"} {
		status, answer, err := c.send("GET", path+"/"+set, nil)
		if err != nil {
			return nil, err
		}
		list, err := csv.NewReader(strings.NewReader(string(answer))).ReadAll()
		if status != 200 || err != nil {
			return nil, fmt.Errorf("bulk: %s: %d %.300s %w", set, status, answer, err)
		}
		for _, cells := range list[min(1, len(list)):] {
			told++
			row := map[string]string{}
			for i, name := range list[0] {
				row[name] = cells[i]
			}
			key := row["Ext__c"]
			switch {
			case set == "successfulResults":
				c.want[key] = rows[key]
				if err := c.same(key, row["sf__Id"]); err != nil {
					return nil, err
				}
			case strings.HasPrefix(row["sf__Error"], "UNABLE_TO_LOCK_ROW"):
				locked[key] = rows[key]
			default:
				return nil, fmt.Errorf("bulk: %s: %v", set, row)
			}
		}
	}
	if told != len(rows) {
		return nil, fmt.Errorf("bulk: %d rows in the result sets of %d", told, len(rows))
	}
	return locked, nil
}
