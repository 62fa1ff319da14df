package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile/artifact"
)

// kept are the configurations that can be gone back to.
type kept struct {
	dir         controller.Directory
	generations []target.Generation // the one used last first
	confirmed   []string            // the newest first
	hold        *target.Hold
	holdErr     error
}

func readKept(dir controller.Directory) (*kept, error) {
	k := &kept{dir: dir}
	var err error
	if k.generations, err = dir.Generations(); err != nil {
		return nil, err
	}
	if k.confirmed, err = dir.Confirmed(); err != nil {
		return nil, err
	}
	k.hold, k.holdErr = dir.Hold()
	return k, nil
}

func (k *kept) current() string {
	for _, g := range k.generations {
		if g.Current {
			return g.Digest
		}
	}
	return ""
}

func (k *kept) digests() []string {
	out := make([]string, 0, len(k.generations))
	for _, g := range k.generations {
		out = append(out, g.Digest)
	}
	return out
}

// pick is the configuration that is meant, by its digest or the beginning of it
// that no other has. It is there and sound.
func (k *kept) pick(digest string) (string, error) {
	if digest == "" {
		return k.before()
	}
	meant := slices.DeleteFunc(k.digests(), func(d string) bool { return !strings.HasPrefix(d, digest) })
	known := "none is kept there"
	if len(k.generations) > 0 {
		known = "kept are " + strings.Join(k.digests(), ", ")
	}
	switch len(meant) {
	case 0:
		return "", fmt.Errorf("no configuration %s in %s: %s", digest, k.dir.Path(), known)
	case 1:
		return meant[0], k.dir.Sound(meant[0])
	}
	return "", fmt.Errorf("%s is the beginning of several configurations in %s: %s", digest, k.dir.Path(), known)
}

// before is the configuration that was confirmed before the current one; where
// nothing was noted, the one that was used before it.
func (k *kept) before() (string, error) {
	order := k.confirmed
	if len(order) == 0 {
		order = k.digests()
	}
	if i := slices.Index(order, k.current()); i >= 0 {
		order = order[i+1:]
	}
	for _, digest := range order {
		if slices.Contains(k.digests(), digest) && k.dir.Sound(digest) == nil {
			return digest, nil
		}
	}
	return "", fmt.Errorf("no configuration that was confirmed before %q is kept in %s: `ecs-scrape rollback --list` shows what is", k.current(), k.dir.Path())
}

// print lists what is kept, the one used last first.
func (k *kept) print(w io.Writer) error {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "DIGEST\tLAST USED\tJOBS\tRULE FILES\tSTATE")
	for _, g := range k.generations {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", g.Digest, g.Used.UTC().Format(time.RFC3339), k.count(g.Digest), strings.Join(k.state(g), ", "))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if k.holdErr != nil {
		_, _ = fmt.Fprintln(&out, k.holdErr)
	} else if k.hold != nil && k.hold.Reason != "" {
		_, _ = fmt.Fprintf(&out, "held since %s: %s\n", k.hold.Since.UTC().Format(time.RFC3339), k.hold.Reason)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// count is how many jobs and rule files a configuration has, as two columns.
func (k *kept) count(digest string) string {
	files, err := k.dir.ReadGeneration(digest)
	if err != nil {
		return "?\t?"
	}
	jobs := bytes.Count(files[artifact.ConfigFile], []byte("job_name: "))
	return fmt.Sprintf("%d\t%d", jobs, max(0, len(files)-1))
}

func (k *kept) state(g target.Generation) []string {
	var out []string
	if g.Current {
		out = append(out, "current")
	}
	if k.hold != nil && k.hold.Digest == g.Digest {
		out = append(out, "held")
	}
	if slices.Contains(k.confirmed, g.Digest) {
		out = append(out, "confirmed")
	}
	if err := k.dir.Sound(g.Digest); err != nil {
		out = append(out, "damaged")
	}
	return out
}
