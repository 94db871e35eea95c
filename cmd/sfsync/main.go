// Command sfsync reads CSV, JSON Lines and Parquet files and upserts their rows into Salesforce.
package main

import (
	"context"
	"os"
	// The time zones that a mapping names (datetime(layout, zone)) are known on machines without
	// a time zone database, too: Windows, and containers with nothing but this program.
	_ "time/tzdata"

	"sfsync/cmd/sfsync/internal/cli"
	"sfsync/cmd/sfsync/internal/host"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], host.OS()))
}
