package input

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	all, err := addresses([]string{"https://h/a.csv?n=1", "b.csv", "https://me:hush@h/a.csv?n=1", "https://h/a.csv?n=1#x", "-", "https://H/a.csv?n=2", "http://h/a.csv"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"https://h/a.csv", "https://h/a.csv#2", "https://h/a.csv#3", "http://h/a.csv"}, names(all)); diff != "" {
		t.Error(diff)
	}
	shown, secret := Shown([]string{"b.csv", "https://me:hush@h/a.csv?n=1", "https://h ush/"})
	if diff := cmp.Diff([]string{"b.csv", "https://h/a.csv", "a URL"}, shown); diff != "" || !secret {
		t.Error(secret, diff)
	}
	if _, secret := Shown([]string{"b.csv?x", "https://h/a.csv"}); secret {
		t.Error("nothing of it is secret")
	}
}
