package plan

import (
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// mostShown is how many targets of an object the text shows.
const mostShown = 20

// Text is the explanation for people.
func (e *Explanation) Text() string {
	var b strings.Builder
	for i := range e.Objects {
		if i > 0 {
			b.WriteByte('\n')
		}
		e.Objects[i].text(&b)
	}
	for i := range e.Tasks {
		if i > 0 {
			b.WriteByte('\n')
		}
		e.Tasks[i].text(&b)
	}
	if len(e.Unsure) > 0 {
		b.WriteString("\nnot everything is known:\n")
	}
	for _, u := range e.Unsure {
		fmt.Fprintf(&b, "  %s\n", u)
	}
	return b.String()
}

func (o *ObjectExplanation) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %s\n", o.Object, counted(len(o.Targets), "target"))
	for _, p := range o.Problems {
		fmt.Fprintf(b, "  %s\n", p.Error())
	}
	switch {
	case o.Unserved != "":
		fmt.Fprintf(b, "  is not served: %s\n", o.Unserved)
	case o.Served != o.Observed:
		fmt.Fprintf(b, "  serves its last valid version %s; what follows is of that one\n", o.Served)
	}
	for _, s := range o.Funnel {
		fmt.Fprintf(b, "  %-10s %6d of %d\n", s.Name, s.Taken, s.Seen)
		for _, l := range s.Left {
			fmt.Fprintf(b, "    %8d left out: %s [%s]\n", l.Count, l.Message, l.Code)
			fmt.Fprintf(b, "             such as %s\n", l.Example)
		}
	}
	for _, h := range o.Held {
		fmt.Fprintf(b, "  held       %6d of %d, published before: %s [%s]\n", h.Count, len(o.Targets), h.Message, h.Code)
		fmt.Fprintf(b, "             such as %s\n", h.Example)
	}
	for i, t := range o.Targets {
		if i == mostShown {
			fmt.Fprintf(b, "  and %d more targets; --format json has them all\n", len(o.Targets)-mostShown)
			break
		}
		t.text(b)
	}
}

func (t *TargetExplanation) text(b *strings.Builder) {
	url := t.Labels.Get(model.SchemeLabel) + "://" + t.Address + t.Labels.Get(model.MetricsPathLabel)
	fmt.Fprintf(b, "  %s %s\n", url, shown(t.Labels))
}

// shown are the labels that series get.
func shown(l labels.Labels) labels.Labels {
	b := labels.NewBuilder(l)
	l.Range(func(l labels.Label) {
		if strings.HasPrefix(l.Name, model.ReservedLabelPrefix) {
			b.Del(l.Name)
		}
	})
	return b.Labels()
}

func (t *TaskExplanation) text(b *strings.Builder) {
	fmt.Fprintf(b, "task %s\n", t.Task)
	for _, line := range [][2]string{
		{"container", t.Container}, {"address", t.Address}, {"service", t.Service}, {"definition", t.Definition}, {"status", t.Status},
	} {
		if line[1] != "" {
			fmt.Fprintf(b, "  %-11s %s\n", line[0], line[1])
		}
	}
	if len(t.Verdicts) == 0 {
		b.WriteString("  there is no ScrapeTarget that could take it\n")
	}
	for i := range t.Verdicts {
		t.Verdicts[i].text(b)
	}
}

func (v *Verdict) text(b *strings.Builder) {
	if len(v.Targets) == 0 {
		fmt.Fprintf(b, "  %s does not scrape it: %s [%s]\n", v.Object, v.Message, v.Code)
		return
	}
	fmt.Fprintf(b, "  %s scrapes it:\n", v.Object)
	for i := range v.Targets {
		b.WriteString("  ")
		v.Targets[i].text(b)
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
