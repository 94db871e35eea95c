// Package ui is what a person sees: messages and diagnostics on stderr, results and JSON
// documents on stdout, a progress bar on a terminal.
//
// The rules: results go to stdout and nothing else does. Everything else goes to stderr, in
// lower case and without a full stop, as text or, with --log-format json, as one JSON object
// a line. Colour and the bar appear on a terminal only. Nothing here prints what a row or an
// org's message says, since those may hold personal data: codes and counts do.
package ui
