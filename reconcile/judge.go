package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/config"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// judgement is everything that follows from the specs alone.
type judgement struct {
	set      *spec.Set
	serving  map[spec.ID]*spec.Object
	kept     Accepted       // last valid versions that may not be served now
	problems []spec.Problem // all, sorted by place
	choice   *plan.Choice
	files    artifact.Files
	config   *config.Config          // prometheus.yml among files, as Prometheus resolves it
	options  validate.Options        // of the Prometheus that is declared
	clashes  map[spec.ID]bool        // identities that another document has too
	losers   []*spec.Object          // those other documents
	loaded   map[spec.ID]bool        // what the choice renders
	others   map[spec.ID]bool        // what the choice leaves to another Prometheus, unjudged
	known    map[pair][]spec.Problem // what assess has found
	err      error                   // why there is no choice, or no files

	secrets func(name string) bool // as in Options
}

// load reads the specs and judges them, once per revision. When the source
// fails, or is empty although it was not, the last judgement stands.
func (r *Reconciler) load(ctx context.Context) (*judgement, error) {
	set, err := r.source.Load(ctx)
	if err != nil {
		err = fmt.Errorf("load specs: %w", err)
	} else if len(set.Objects) == 0 && !spec.Faulty(set.Problems) && len(r.accepted) > 0 && !r.options.AllowEmpty {
		err = inputError{fmt.Errorf("the source holds no objects, which would take away %d: if that is meant, say --specs.allow-empty", len(r.accepted))}
	}
	if err != nil {
		if r.judged == nil && len(r.accepted) > 0 {
			r.judged = r.judge(r.accepted.set())
		}
		return r.judged, err
	}
	if r.judged == nil || r.judged.set != set {
		r.judged = r.recall(ctx, r.judge(set))
		r.accepted = r.judged.accepted()
	}
	return r.judged, nil
}

// accepted are the last valid versions: those that are served, and those that
// will be when the PrometheusConfig takes them again.
func (j *judgement) accepted() Accepted {
	out := maps.Clone(j.kept)
	maps.Copy(out, j.serving)
	return out
}

// judge finds the version of each object to serve: the new one if it is well
// formed and Prometheus takes it, else the last valid one, else none.
func (r *Reconciler) judge(set *spec.Set) *judgement {
	j := &judgement{
		set: set, serving: map[spec.ID]*spec.Object{}, kept: Accepted{}, problems: slices.Clone(set.Problems), clashes: map[spec.ID]bool{},
		others: map[spec.ID]bool{}, known: map[pair][]spec.Problem{}, secrets: r.options.Secrets,
	}
	defer j.sort()
	candidates := j.candidates(r.accepted)
	j.settle(j.meant(candidates, r.options.Name), r.accepted, spec.KindPrometheusConfig, nil)
	if len(set.Objects) == 0 && !spec.Faulty(set.Problems) && r.options.AllowEmpty {
		implied := impliedConfig(r.options.Name, nil)
		j.serving[implied.ID] = implied
	}
	choice, err := j.choose(r.options.Name)
	if err == nil && j.keepConfig(candidates, r.accepted, choice.Config) {
		choice, err = j.choose(r.options.Name)
	}
	if err != nil {
		j.err = inputError{err}
		j.keep(r.accepted, r.judged)
		return j
	}
	candidates = j.selected(candidates, r.accepted, choice.Config)
	j.settle(candidates, r.accepted, spec.KindPrometheusRule, choice.Config)
	j.refused(choice.Config)
	j.settle(candidates, r.accepted, spec.KindScrapeTarget, choice.Config)
	j.finish(r.options.Name)
	return j
}

// choose picks the PrometheusConfig. One of several that is not valid is still
// one of several: the other may be another Prometheus's.
func (j *judgement) choose(name string) (*plan.Choice, error) {
	if names := configNames(j.set); name == "" && len(names) > 1 {
		return nil, fmt.Errorf("the specs hold %d PrometheusConfigs (%s): say which with --prometheus.name", len(names), strings.Join(names, ", "))
	}
	choice, err := plan.Choose(j.objects(), name)
	if names := configNames(j.set); err != nil && len(names) > 0 && (name == "" || slices.Contains(names, name)) && !j.serves(spec.KindPrometheusConfig) {
		return nil, fmt.Errorf("PrometheusConfig %s is not valid, and no version of it that was valid is known here: mend it", cmp.Or(name, names[0]))
	}
	return choice, err
}

func (j *judgement) serves(kind string) bool {
	for id := range j.serving {
		if id.Kind == kind {
			return true
		}
	}
	return false
}

// finish chooses among what is served, and renders it.
func (j *judgement) finish(name string) {
	choice, err := plan.Choose(j.objects(), name)
	if err == nil {
		j.choice = choice
		j.options = validate.OptionsOf(choice.Config.PrometheusConfig)
		if j.options.Agent {
			j.problems = append(j.problems, validate.OfAgent(choice.Config, j.present(choice.Rules))...)
			choice.Rules = nil // an agent refuses rule files
		}
		j.loaded = idsOf(append(append(slices.Clone(choice.Targets), choice.Rules...), choice.Config))
		j.files, err = choice.Render()
	}
	if err != nil {
		j.err = inputError{err}
		return
	}
	cfg, errs := validate.Files(j.files, j.options)
	j.config = cfg
	if len(validate.Fields(nil, choice.Config)) == 0 { // else it is served in spite of them
		errs = append(errs, validate.Fit(j.files, choice.Config)...)
	}
	if len(errs) > 0 {
		j.err = inputError{join(errs)}
		return
	}
	j.problems = append(j.problems, validate.Across(j.present(choice.Rules))...)
	j.problems = append(j.problems, validate.Watches(cfg, choice.Config)...)
}

func idsOf(objects []*spec.Object) map[spec.ID]bool {
	out := make(map[spec.ID]bool, len(objects))
	for _, o := range objects {
		out[o.ID] = true
	}
	return out
}

// present are those of the objects that the set holds as they are served: of
// others the places are not where the user can look.
func (j *judgement) present(served []*spec.Object) []*spec.Object {
	held := map[*spec.Object]bool{}
	for _, o := range j.set.Objects {
		held[o] = true
	}
	return slices.DeleteFunc(slices.Clone(served), func(o *spec.Object) bool { return !held[o] })
}

// candidates picks one version of each identity that the set holds: of several
// the one that is served already, else the first by place.
func (j *judgement) candidates(served Accepted) map[spec.ID]*spec.Object {
	out := map[spec.ID]*spec.Object{}
	for _, o := range j.set.Objects {
		first, clash := out[o.ID]
		if !clash {
			out[o.ID] = o
			continue
		}
		loser := o
		if s := served[o.ID]; s != nil && likeness(o, s) > likeness(first, s) {
			out[o.ID], loser = o, first
		}
		j.clash(loser, out[o.ID].Position.String())
	}
	for id, o := range out {
		if s := served[id]; s != nil && o.Position.File != s.Position.File && o.Revision != s.Revision && j.unreadable(s, s.Position.File) {
			delete(out, id)
			j.clash(o, s.Position.File+", where it cannot be read now")
		}
	}
	return out
}

// likeness tells which of several documents is the one that is served.
func likeness(o, served *spec.Object) int {
	like := 0
	if o.Revision == served.Revision {
		like += 2
	}
	if o.Position.File == served.Position.File {
		like++
	}
	return like
}

// clashPath is what two documents of one identity share.
const clashPath = "metadata.name"

func (j *judgement) clash(loser *spec.Object, other string) {
	j.clashes[loser.ID] = true
	j.losers = append(j.losers, loser)
	j.problems = append(j.problems, spec.Problem{
		Position: loser.Place(clashPath), Object: loser.ID, Path: clashPath,
		Message: fmt.Sprintf("%s is also at %s, which is the one in use: rename one of them", loser.ID, other),
	})
}

// settle decides which version of each object of a kind is served.
func (j *judgement) settle(candidates map[spec.ID]*spec.Object, served Accepted, kind string, config *spec.Object) {
	for id, o := range candidates {
		if id.Kind != kind {
			continue
		}
		problems, old := append(j.assess(config, o), j.missingSecrets(o)...), served[id]
		j.problems = append(j.problems, problems...)
		switch {
		case !spec.Faulty(problems), old != nil && old.Revision == o.Revision && borne(o, problems):
			j.serving[id] = o
		case old != nil && j.serveOn(config, old):
		case ofRelease(o, problems):
			delete(j.kept, id)
			j.serving[id] = o
		}
	}
	for id, old := range served {
		if _, present := candidates[id]; id.Kind == kind && !present && !j.others[id] && j.unreadable(old, "") {
			if !j.serveOn(config, old) {
				j.problems = append(j.problems, spec.Errors(j.assess(config, old))...) // its document does not tell
			}
		}
	}
}

// refused tells what else is wrong with rules whose document is refused.
func (j *judgement) refused(config *spec.Object) {
	selection := plan.SelectionOf(config)
	for _, o := range j.set.Refused {
		if selection.Has(o) {
			j.problems = append(j.problems, spec.Errors(j.assess(config, o))...)
		}
	}
}

// serveOn serves the last valid version, or keeps it for the time when it may be
// served again, and says which.
func (j *judgement) serveOn(config, old *spec.Object) bool {
	if (config == nil || plan.SelectionOf(config).Has(old)) && borne(old, j.assess(config, old)) {
		j.serving[old.ID] = old
		return true
	}
	j.kept[old.ID] = old
	return false
}

// missingSecrets says which secrets of a PrometheusConfig there are none of. The
// version that is served is not asked: its files are there.
func (j *judgement) missingSecrets(o *spec.Object) []spec.Problem {
	if j.secrets == nil || o.PrometheusConfig == nil {
		return nil
	}
	return plan.MissingSecrets(o, j.secrets)
}

// keep serves on what was served, for a set that nothing can be chosen from.
func (j *judgement) keep(served Accepted, before *judgement) {
	for id, o := range served {
		switch {
		case j.serving[id] != nil:
		case before != nil && before.kept[id] != nil:
			j.kept[id] = o
		default:
			j.serving[id] = o
		}
	}
}

// unreadable says that the set has something wrong at the object's place, so
// that its absence does not mean it was deleted. Where a file is given, only
// what is wrong in that file counts.
func (j *judgement) unreadable(o *spec.Object, file string) bool {
	return slices.ContainsFunc(j.set.Problems, func(p spec.Problem) bool {
		return p.IsError() && (file == "" || within(file, p.File)) && (p.Object == o.ID || nameless(p, o))
	})
}

// nameless says that the problem is of a document without an identity, which
// may be any of its file's; of a folder that cannot be read, any below it.
func nameless(p spec.Problem, o *spec.Object) bool {
	return p.Object == spec.ID{} && within(o.Position.File, p.File)
}

// within says that a file is the named one, or below the named folder.
func within(file, name string) bool {
	return file == name || strings.HasSuffix(name, "/") && strings.HasPrefix(file, name)
}

// bearable says that what is served may stay: it is valid, or wrong only since the
// configuration changed around it, and only for some of its targets, so that to
// leave it out would take the others too.
func bearable(problems []spec.Problem) bool {
	return !slices.ContainsFunc(problems, func(p spec.Problem) bool { return p.IsError() && p.Code != validate.CodeTimeout })
}

// borne says that a version may be served on with its problems.
func borne(o *spec.Object, problems []spec.Problem) bool {
	return bearable(problems) || ofRelease(o, problems)
}

// ofRelease says that nothing is wrong with a PrometheusConfig but what the declared
// Prometheus does not know, which ecs-scrape may have learnt only by an upgrade of
// its own. Where no better version is known it is served with that error: without
// a PrometheusConfig no targets would follow.
func ofRelease(o *spec.Object, problems []spec.Problem) bool {
	if o.PrometheusConfig == nil {
		return false
	}
	fields := validate.Fields(nil, o)
	return len(fields) > 0 && !slices.ContainsFunc(problems, func(p spec.Problem) bool { return p.IsError() && !slices.Contains(fields, p) })
}

// pair is an object and the PrometheusConfig that it is judged with.
type pair struct{ config, object *spec.Object }

// assess is [assess], once for each pair.
func (j *judgement) assess(config, o *spec.Object) []spec.Problem {
	p := pair{config, o}
	if found, ok := j.known[p]; ok {
		return slices.Clone(found)
	}
	j.known[p] = assess(config, o)
	return slices.Clone(j.known[p])
}

// assess is all that is wrong with one object by itself: what the declared
// Prometheus does not know, what Prometheus refuses, and what it accepts although
// it is wrong.
func assess(config, o *spec.Object) []spec.Problem {
	return slices.Concat(plan.Refused(config, o), validate.Fields(config, o), judgeObject(config, o), validate.Lint(config, o))
}

// judgeObject lets Prometheus judge one object on its own. config is the
// PrometheusConfig that it is loaded with; not used for a PrometheusConfig.
func judgeObject(config, o *spec.Object) []spec.Problem {
	if t := o.ScrapeTarget; t != nil && t.ScrapeConfig.Node == nil && t.RelabelConfigs.Node == nil {
		return nil // it shares the pool of its class, and says nothing in Prometheus's words
	}
	return newPlacer(config, o).problems()
}

// probe renders one object with what bears on it: of the classes, its own. The
// time to judge a set must not grow with objects times classes.
func probe(config, o *spec.Object) (artifact.Files, error) {
	if o.PrometheusConfig != nil {
		return plan.Probe(config, o)
	}
	s := &spec.PrometheusConfigSpec{}
	if t := o.ScrapeTarget; t != nil {
		*s = *config.PrometheusConfig
		s.ScrapeClasses = nil
		if class, ok := config.PrometheusConfig.Class(t.Class()); ok {
			s.ScrapeClasses = []spec.ScrapeClass{*class}
		}
	}
	return plan.Probe(&spec.Object{ID: config.ID, Metadata: config.Metadata, Position: config.Position, PrometheusConfig: s}, o)
}

// verdict is what the declared Prometheus says of the files that one object was
// rendered to. A rule file stands alone; only a whole configuration can be what an
// agent refuses.
func verdict(config, o *spec.Object, files artifact.Files) []*validate.Error {
	if o.PrometheusConfig != nil {
		config = o
	}
	options := validate.OptionsOf(config.PrometheusConfig)
	if o.PrometheusRule != nil {
		return validate.Rules(files, options)
	}
	options.Agent = options.Agent && o.PrometheusConfig != nil
	_, errs := validate.Files(files, options)
	return errs
}

func (j *judgement) objects() []*spec.Object {
	out := make([]*spec.Object, 0, len(j.serving))
	for _, o := range j.serving {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *spec.Object) int { return a.Compare(b.ID) })
	return out
}

func (j *judgement) sort() { j.problems = sorted(j.problems) }

// Problem summarises what is wrong with objects of a pass as one error, or nil.
// Warnings are no part of it.
func (p *Pass) Problem() error {
	var lines []string
	for _, problem := range p.Problems {
		if problem.IsError() {
			lines = append(lines, problem.Error())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}
