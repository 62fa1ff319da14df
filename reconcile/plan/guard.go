package plan

import (
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/spec"
)

// guard withholds targets that their class may not scrape, or that the
// Prometheus which is to load them may not take.
type guard struct {
	class *config.ScrapeConfig // where its targets may not be moved elsewhere, else nil
	name  string               // the class's
	// narrow is why label names are limited to what every Prometheus takes, with
	// the remedy; "" where they are not.
	narrow string
}

// newGuard is for the targets of an object. pool is its class's as Prometheus
// resolves it.
func newGuard(main, o *spec.Object, pool *config.ScrapeConfig) *guard {
	class, _ := main.PrometheusConfig.Class(o.ScrapeTarget.Class())
	g := &guard{name: class.Name}
	if why := plainOnly(main, class, o); why != "" {
		g.narrow = why + ": rename the label, or mend that"
	}
	if pool != nil && !mayRetarget(class) {
		g.class = pool
	}
	return g
}

// refuse returns why a target with these final labels is withheld, or nil. moved
// says that its address is not the one that was discovered.
func (g *guard) refuse(l labels.Labels, moved bool) *fault {
	if why := g.elsewhere(l, moved); why != "" {
		return &fault{code: CodeRetarget, message: fmt.Sprintf(
			"scrape class %q has credentials, and %s: take a class without credentials, or set allowRetarget in this one", g.name, why)}
	}
	if name := g.illegal(l); name != "" {
		return &fault{code: CodeIllegalLabel, message: fmt.Sprintf("label name %q is not [a-zA-Z_][a-zA-Z0-9_]*, and %s", name, g.narrow)}
	}
	return nil
}

// elsewhere says how the target would take the class's credentials elsewhere, or "".
func (g *guard) elsewhere(l labels.Labels, moved bool) string {
	if g.class == nil {
		return ""
	}
	if scheme := l.Get(model.SchemeLabel); scheme != g.class.Scheme {
		return fmt.Sprintf("its scheme is %s, not %s", g.class.Scheme, orDefault(scheme, "none"))
	}
	if moved {
		return "the target's address is not the one that was discovered"
	}
	return ""
}

// illegal is the first label name that may not be, or "".
func (g *guard) illegal(l labels.Labels) string {
	if g.narrow == "" {
		return ""
	}
	found := ""
	l.Range(func(l labels.Label) {
		if found == "" && !model.LegacyValidation.IsValidLabelName(l.Name) {
			found = l.Name
		}
	})
	return found
}
