// Command releases writes the table of what each Prometheus release knows: the
// fields of prometheus.yml and of rule files, the values that some of them take,
// the names of --enable-feature, and what PromQL has. It reads them from the sources of the
// releases' own modules, which it has the go command download, and builds none.
//
// It is run by hand (`make releases`) when the version of Prometheus that this
// program is built with changes; the table is then reviewed like code.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	table := flag.String("table", "", "file to write the table to")
	work := flag.String("work", "", "directory for the module that downloads the others")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *table, *work)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "releases:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, table, work string) error {
	mods, err := newModules(ctx, work)
	if err != nil {
		return err
	}
	var found []*knowledge
	for _, version := range versions() {
		k, err := mods.knowledge(version)
		if err != nil {
			return fmt.Errorf("read Prometheus %s: %w", version, err)
		}
		found = append(found, k)
	}
	t, err := merge(found)
	if err != nil {
		return err
	}
	if err := t.check(found); err != nil {
		return err
	}
	return os.WriteFile(table, t.text(), 0o644)
}
