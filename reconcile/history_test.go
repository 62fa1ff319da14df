package reconcile_test

import (
	"context"
	"errors"
	"testing"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

// history is earlier versions of files, the oldest first.
type history struct {
	versions []map[string]string
	err      error
	asked    int
}

func (h *history) Earlier(context.Context) ([]*spec.Set, error) {
	h.asked++
	var out []*spec.Set
	for _, version := range h.versions {
		var files []spec.File
		for name, text := range version {
			files = append(files, spec.File{Name: name, Data: []byte(text)})
		}
		out = append(out, spec.Decode(files))
	}
	return out, h.err
}

// TestHistory: a controller that starts with nothing serves what one would that had
// run all along, and asks for it only then.
func TestHistory(t *testing.T) {
	const config = "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {}\n"
	rule := func(name, expr string) string {
		return "apiVersion: ecs-scrape/v1\nkind: PrometheusRule\nmetadata: {name: " + name + "}\nspec: {groups: [{name: g, rules: [{record: 'a:b', expr: '" + expr + "'}]}]}\n"
	}
	version := func(a, b string) map[string]string {
		out := map[string]string{"main.yaml": config}
		if a != "" {
			out["a.yaml"] = rule("a", a)
		}
		if b != "" {
			out["b.yaml"] = rule("b", b)
		}
		return out
	}
	id := spec.ID{Kind: spec.KindPrometheusRule, Name: "a"}.String()
	for name, c := range map[string]struct {
		now      map[string]string
		earlier  []map[string]string
		err      error
		accepted string // expression of an earlier run's
		serves   bool
		asked    int
	}{
		"valid now":                {now: version("up", ""), earlier: []map[string]string{version("up", "")}, serves: true},
		"valid before":             {now: version("sum(", ""), earlier: []map[string]string{version("up", ""), version("sum(", "up")}, serves: true, asked: 1},
		"never valid":              {now: version("sum(", ""), earlier: []map[string]string{version("max(", "")}, asked: 1},
		"deleted in between":       {now: version("sum(", ""), earlier: []map[string]string{version("up", ""), version("", "up")}, asked: 1},
		"nothing earlier":          {now: version("sum(", ""), asked: 1},
		"it cannot be read":        {now: version("sum(", ""), err: errors.New("no"), asked: 1},
		"something known is there": {now: version("sum(", ""), earlier: []map[string]string{version("up", "")}, accepted: "up"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &history{versions: c.earlier, err: c.err}
			w := newWorld(t, c.now)
			accepted := reconcile.Accepted{}
			if c.accepted != "" {
				o := spec.Decode([]spec.File{{Name: "other.yaml", Data: []byte(rule("other", c.accepted))}}).Objects[0]
				accepted[o.ID] = o
			}
			w.options.History = h
			w.start(accepted)
			pass := w.pass()
			if s := status(pass, id); (s.Served != "") != c.serves || h.asked != c.asked {
				t.Errorf("served %q, asked %d times", s.Served, h.asked)
			}
			w.pass()
			if h.asked != c.asked {
				t.Errorf("asked again")
			}
		})
	}
}
