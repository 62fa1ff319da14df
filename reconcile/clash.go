package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// mostBlocked is how many objects a problem of a PrometheusConfig names.
const mostBlocked = 10

// blocked is a served object that a new version of the PrometheusConfig would
// leave without a version that can be served.
type blocked struct {
	class string
	gone  bool   // the class is
	text  string // the object and why
}

// keepConfig serves on the last valid version of the PrometheusConfig where a
// served ScrapeTarget could not be served with the new one, although nobody
// forbids it: of two that clash, the one being served stays.
func (j *judgement) keepConfig(candidates map[spec.ID]*spec.Object, served Accepted, config *spec.Object) bool {
	old := served[config.ID]
	if old == nil || old.Revision == config.Revision || !borne(old, j.assess(nil, old)) {
		return false
	}
	var all []blocked
	for id, last := range served {
		if id.Kind == spec.KindScrapeTarget && j.stays(candidates[id], last, config, old) {
			all = append(all, j.blocks(candidates[id], last, config, old)...)
		}
	}
	if len(all) == 0 {
		return false
	}
	j.problems = append(j.problems, blockedProblems(config, all)...)
	j.serving[config.ID] = old
	return true
}

// stays says that the object is still there, and selected as it was.
func (j *judgement) stays(candidate, last, config, old *spec.Object) bool {
	selection := plan.SelectionOf(config)
	if !plan.SelectionOf(old).Has(last) || !selection.Has(last) {
		return false
	}
	if candidate == nil {
		return j.unreadable(last, "")
	}
	return selection.Has(candidate)
}

// blocks says how the new configuration keeps the last valid version of an object
// from being served, where that one is needed.
func (j *judgement) blocks(candidate, last, config, old *spec.Object) []blocked {
	if candidate != nil && !spec.Faulty(j.assess(config, candidate)) || !bearable(j.assess(old, last)) {
		return nil
	}
	why := j.assess(config, last)
	if bearable(why) {
		return nil
	}
	class := last.ScrapeTarget.Class()
	if _, has := config.PrometheusConfig.Class(class); !has {
		return []blocked{{class, true, fmt.Sprintf("%s names %q", last.ID, class)}}
	}
	if j.forbidden(last, config, old) {
		return nil
	}
	first, _ := spec.FirstError(why)
	return []blocked{{class, false, fmt.Sprintf("%s: %s: %s", last.ID, first.Path, first.Message)}}
}

// forbidden says that the object may not be served by what the operator says of
// it: who may use a class, what a class with credentials allows, and which
// Prometheus there is. That acts at once.
func (j *judgement) forbidden(last, config, old *spec.Object) bool {
	if spec.Faulty(plan.Refused(config, last)) {
		return true
	}
	same := copyOf(config)
	same.PrometheusConfig.Prometheus = old.PrometheusConfig.Prometheus
	return bearable(assess(same, last))
}

// blockedProblems are one for all classes that are gone, and one for each class
// that is another than it was.
func blockedProblems(config *spec.Object, all []blocked) []spec.Problem {
	texts := map[string][]string{}
	for _, b := range all {
		path := "spec.scrapeClasses"
		if !b.gone {
			path = pathOfClass(config, b.class)
		}
		texts[path] = append(texts[path], b.text)
	}
	var out []spec.Problem
	for path, names := range texts {
		format := "a scrape job that is in use would be refused by Prometheus (%s): change it when these are mended"
		if path == "spec.scrapeClasses" {
			format = "a class that is in use is no longer declared (%s): declare it until nothing names it"
		}
		out = append(out, spec.Problem{Position: config.Place(path), Object: config.ID, Path: path, Message: fmt.Sprintf(format, list(names))})
	}
	return out
}

// pathOfClass is where the settings of the class are: the default one need not
// be declared, and then has the global ones.
func pathOfClass(config *spec.Object, class string) string {
	i := slices.IndexFunc(config.PrometheusConfig.ScrapeClasses, func(c spec.ScrapeClass) bool { return c.Name == class })
	if i < 0 {
		return "spec.config.global"
	}
	return fmt.Sprintf("spec.scrapeClasses[%d]", i)
}

func list(names []string) string {
	slices.Sort(names)
	if more := len(names) - mostBlocked; more > 0 {
		names = append(names[:mostBlocked:mostBlocked], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}
