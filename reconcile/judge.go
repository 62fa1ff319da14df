package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/config"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// ObjectStatus tells what became of one object.
type ObjectStatus struct {
	spec.ID
	Position spec.Position
	// Observed is the revision in the source; "" where it cannot be read there.
	Observed string
	// Served is the revision in use; "" where the object was never valid.
	Served string
	// Problems say why Observed is not served; empty where it is.
	Problems []spec.Problem
	// Targets are its targets now; of a ScrapeTarget only.
	Targets int
}

// Valid says that what the source holds is what is served.
func (s *ObjectStatus) Valid() bool { return len(s.Problems) == 0 }

// judgement is everything that follows from the specs alone.
type judgement struct {
	set      *spec.Set
	serving  map[spec.ID]*spec.Object
	problems []spec.Problem // all, sorted by place
	choice   *plan.Choice
	files    artifact.Files
	config   *config.Config // prometheus.yml among files, as Prometheus resolves it
	err      error          // why there is no choice, or no files
}

// load reads the specs and judges them, once per revision. When the source
// fails, or is empty although it was not, the last judgement stands.
func (r *Reconciler) load(ctx context.Context) (*judgement, error) {
	set, err := r.source.Load(ctx)
	if err != nil {
		err = fmt.Errorf("load specs: %w", err)
	} else if len(set.Objects) == 0 && len(set.Problems) == 0 && len(r.accepted) > 0 && !r.options.AllowEmpty {
		err = fmt.Errorf("%w: the source holds no objects, which would take away %d: if that is meant, say --specs.allow-empty",
			ErrInput, len(r.accepted))
	}
	if err != nil {
		if r.judged == nil && len(r.accepted) > 0 {
			r.judged = r.judge(r.accepted.set())
		}
		return r.judged, err
	}
	if r.judged == nil || r.judged.set != set {
		r.judged = r.judge(set)
		r.accepted = r.judged.serving
	}
	return r.judged, nil
}

// judge finds the version of each object to serve: the new one if it is well
// formed and Prometheus takes it, else the last valid one, else none.
func (r *Reconciler) judge(set *spec.Set) *judgement {
	j := &judgement{set: set, serving: map[spec.ID]*spec.Object{}, problems: slices.Clone(set.Problems)}
	candidates := j.candidates(r.accepted)
	j.settle(candidates, r.accepted, spec.KindPrometheusConfig, nil)
	choice, err := plan.Choose(j.objects(), r.options.Name)
	if err != nil {
		j.err = fmt.Errorf("%w: %w", ErrInput, err)
		j.keep(r.accepted)
		j.sort()
		return j
	}
	j.settle(candidates, r.accepted, spec.KindPrometheusRule, choice.Config)
	j.settle(candidates, r.accepted, spec.KindScrapeTarget, choice.Config)
	j.finish(r.options.Name)
	j.sort()
	return j
}

// finish chooses among what is served, and renders it.
func (j *judgement) finish(name string) {
	choice, err := plan.Choose(j.objects(), name)
	if err == nil {
		j.choice = choice
		j.files, err = choice.Render()
	}
	if err != nil {
		j.err = fmt.Errorf("%w: %w", ErrInput, err)
		return
	}
	cfg, errs := validate.Files(j.files)
	j.config = cfg
	if len(errs) > 0 {
		j.err = fmt.Errorf("%w: %w", ErrInput, join(errs))
	}
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
		if s := served[o.ID]; s != nil && first.Position.File != s.Position.File && o.Position.File == s.Position.File {
			out[o.ID], loser = o, first
		}
		j.problems = append(j.problems, spec.Problem{
			Position: loser.Position, Object: loser.ID, Path: "metadata.name",
			Message: fmt.Sprintf("%s is also at %s, which is the one in use: rename one of them", loser.ID, out[o.ID].Position),
		})
	}
	return out
}

// settle decides which version of each object of a kind is served.
func (j *judgement) settle(candidates, served map[spec.ID]*spec.Object, kind string, config *spec.Object) {
	for id, o := range candidates {
		if id.Kind != kind {
			continue
		}
		problems := judgeObject(config, o)
		j.problems = append(j.problems, problems...)
		if len(problems) == 0 {
			j.serving[id] = o
		} else if old := served[id]; old != nil && len(judgeObject(config, old)) == 0 {
			j.serving[id] = old
		}
	}
	for id, old := range served {
		if _, present := candidates[id]; id.Kind == kind && !present && j.unreadable(old) && len(judgeObject(config, old)) == 0 {
			j.serving[id] = old
		}
	}
}

// keep serves on what was served, for a set that nothing can be chosen from.
func (j *judgement) keep(served Accepted) {
	for id, o := range served {
		if j.serving[id] == nil {
			j.serving[id] = o
		}
	}
}

// unreadable says that the set has something wrong at the object's place, so
// that its absence does not mean it was deleted.
func (j *judgement) unreadable(o *spec.Object) bool {
	return slices.ContainsFunc(j.set.Problems, func(p spec.Problem) bool {
		return p.Object == o.ID || (p.Object == spec.ID{} && p.File == o.Position.File)
	})
}

// judgeObject lets Prometheus judge one object on its own. config is the
// PrometheusConfig that it is loaded with; not used for a PrometheusConfig.
func judgeObject(config, o *spec.Object) []spec.Problem {
	if t := o.ScrapeTarget; t != nil {
		if _, ok := config.PrometheusConfig.Class(t.Class()); !ok {
			return []spec.Problem{{Position: o.Position, Object: o.ID, Path: "spec.scrapeClass", Message: plan.UnknownClass(config, o)}}
		}
		if t.ScrapeConfig.Node == nil {
			return nil // it shares the pool of its class
		}
	}
	files, err := plan.Probe(config, o)
	if err != nil {
		return []spec.Problem{{Position: o.Position, Object: o.ID, Message: err.Error()}}
	}
	var problems []spec.Problem
	_, errs := validate.Files(files)
	for _, e := range errs {
		if o.PrometheusRule != nil && e.File == artifact.ConfigFile {
			continue // not its fault
		}
		problems = append(problems, place(o, files, e))
	}
	return problems
}

func (j *judgement) objects() []*spec.Object {
	out := make([]*spec.Object, 0, len(j.serving))
	for _, o := range j.serving {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *spec.Object) int { return a.Compare(b.ID) })
	return out
}

func (j *judgement) sort() {
	slices.SortFunc(j.problems, spec.Problem.Compare)
	j.problems = slices.Compact(j.problems)
}

// statuses are those of all objects that are served or should be, by identity.
func (j *judgement) statuses() []ObjectStatus {
	byID := map[spec.ID]*ObjectStatus{}
	status := func(id spec.ID) *ObjectStatus {
		if byID[id] == nil {
			byID[id] = &ObjectStatus{ID: id}
		}
		return byID[id]
	}
	for id, o := range j.serving {
		s := status(id)
		s.Position, s.Served = o.Position, o.Revision
	}
	for _, o := range j.set.Objects {
		s := status(o.ID)
		if s.Observed == "" || o.Revision == s.Served {
			s.Observed, s.Position = o.Revision, o.Position
		}
	}
	for _, p := range j.problems {
		if (p.Object == spec.ID{}) {
			continue
		}
		s := status(p.Object)
		s.Problems = append(s.Problems, p)
		s.Position = p.Position
	}
	out := make([]ObjectStatus, 0, len(byID))
	for _, s := range byID {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b ObjectStatus) int { return a.Compare(b.ID) })
	return out
}

// Problem summarises the problems of a pass as one error, or nil.
func (p *Pass) Problem() error {
	var lines []string
	for _, problem := range p.Problems {
		lines = append(lines, problem.Error())
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}

// Validate judges a set on its own, as a first pass would: the problems of
// single documents, sorted by place, and what is wrong with the whole.
func Validate(set *spec.Set, name string) ([]spec.Problem, error) {
	j := (&Reconciler{options: Options{Name: name}}).judge(set)
	return j.problems, j.err
}
