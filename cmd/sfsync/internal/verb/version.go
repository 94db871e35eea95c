package verb

// Version is the version of sfsync.
const Version = "0.1.0"

// Tool returns the name and version that reports carry.
func Tool() string { return "sfsync " + Version }
