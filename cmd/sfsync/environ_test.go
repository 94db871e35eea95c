package main_test

import (
	"os"
	"slices"
	"strings"
)

// cleanEnv is the environment without the command's own variables: a developer may have set them to an org
// that no test is to reach.
func cleanEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SFSYNC_") })
}

// homeEnv is that of a user whose files are in dir.
func homeEnv(dir string, more ...string) []string {
	return append(cleanEnv(), append([]string{"HOME=" + dir, "XDG_STATE_HOME=" + dir, "LocalAppData=" + dir}, more...)...)
}
