package controller

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

func fleetTarget(address string) artifact.Target {
	return artifact.Target{Labels: labels.FromStrings("__address__", address)}
}

func decoded(t *testing.T, doc []byte) *Status {
	t.Helper()
	s := &Status{}
	if err := json.Unmarshal(doc, s); err != nil {
		t.Fatalf("%v: %s", err, doc)
	}
	return s
}

// shelf is a place that a status is written to.
type shelf struct {
	mu    sync.Mutex
	docs  [][]byte
	tries int
	err   error
}

func (s *shelf) put(_ context.Context, doc []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if s.err == nil {
		s.docs = append(s.docs, doc)
	}
	return s.err
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// taken are the documents written since the last call, and how often it was tried.
func (s *shelf) taken() (docs [][]byte, tries int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	docs, tries = s.docs, s.tries
	s.docs, s.tries = nil, 0
	return docs, tries
}

// inOutletWorld is inWorld with an outlet that has been written to.
func inOutletWorld(t *testing.T, test func(t *testing.T, w *world, s *shelf)) {
	t.Helper()
	s := &shelf{}
	inWorldWith(t, func(o *Options) {
		o.SpecsInterval = time.Second
		o.Outlets = []Outlet{{Place: "file", Name: "/out/.state/status.json", Put: s.put, Every: 2 * time.Second}}
	}, func(t *testing.T, w *world) {
		w.wait(10 * time.Second)
		w.log.Take()
		if docs, _ := s.taken(); len(docs) == 0 || decoded(t, docs[len(docs)-1]).State != StateOK {
			t.Fatalf("%d documents", len(docs))
		}
		test(t, w, s)
	})
}

// TestOutlet: a change is written, not more often than is allowed; and without one
// there is a sign of life each minute.
func TestOutlet(t *testing.T) {
	inOutletWorld(t, func(t *testing.T, w *world, s *shelf) {
		w.inventory.Scale(2)
		w.wait(window + time.Second)
		docs, _ := s.taken()
		if len(docs) != 1 {
			t.Fatalf("%d documents after a change", len(docs))
		}
		want, err := w.c.Status().Document()
		if err != nil {
			t.Fatal(err)
		}
		got, latest := decoded(t, docs[0]), decoded(t, want)
		got.Time = latest.Time
		if diff := cmp.Diff(latest, got, cmp.AllowUnexported(Status{})); diff != "" {
			t.Errorf("what is written: -served +written\n%s", diff)
		}
		for i := range 60 {
			w.inventory.Scale(3 + i%2)
			w.wait(time.Second)
		}
		if docs, _ := s.taken(); len(docs) < 15 || len(docs) > 31 {
			t.Errorf("%d documents in a minute of changes", len(docs))
		}
		w.wait(10 * time.Second)
		s.taken()
		w.wait(10 * heartbeat)
		if docs, _ := s.taken(); len(docs) < 10 || len(docs) > 11 {
			t.Errorf("%d documents in ten minutes of rest", len(docs))
		} else if age := time.Since(decoded(t, docs[len(docs)-1]).Time); age > heartbeat+lookEvery {
			t.Errorf("the last is %v old", age)
		}
	})
}

// TestOutletFails: it is logged once, tried again ever less often, counted, and
// nothing else suffers.
func TestOutletFails(t *testing.T) {
	inOutletWorld(t, func(t *testing.T, w *world, s *shelf) {
		s.fail(errBroken)
		w.inventory.Scale(2)
		w.wait(10 * time.Minute)
		_, tries := s.taken()
		if tries < 10 || tries > 17 {
			t.Errorf("%d tries in ten minutes", tries)
		}
		wantLog(t, w, "ERROR the status is not written: broken on purpose")
		if n := testCounter(t, w, "ecs_scrape_status_writes_total", "file", "error"); n != float64(tries) {
			t.Errorf("%v failures are counted of %d", n, tries)
		}
		if w.output.Targets() != 2 {
			t.Errorf("%d targets", w.output.Targets())
		}
		s.fail(nil)
		w.wait(heartbeat)
		wantLog(t, w, "INFO the status is written again")
		if docs, _ := s.taken(); len(docs) == 0 || decoded(t, docs[len(docs)-1]).Targets.Total != 2 {
			t.Errorf("%d documents", len(docs))
		}
	})
}

// TestOutletAtTheEnd: the last document is of the end, with what came after the one
// before; a place that does not answer is not waited for.
func TestOutletAtTheEnd(t *testing.T) {
	inOutletWorld(t, func(t *testing.T, w *world, s *shelf) {
		w.wait(20 * time.Second)
		s.taken()
		w.stop()
		docs, _ := s.taken()
		if len(docs) != 1 {
			t.Fatalf("%d documents at the end", len(docs))
		}
		if last := decoded(t, docs[0]); !last.Time.Equal(time.Now()) || last.State != StateOK || len(last.Changes) == 0 {
			t.Errorf("of %v, %s, %d changes", last.Time, last.State, len(last.Changes))
		}
		w.options.Outlets[0].Put = func(ctx context.Context, _ []byte) error {
			<-ctx.Done()
			return ctx.Err()
		}
		w.start(w.server)
		w.wait(time.Second)
		w.log.Take()
		began := time.Now()
		w.stop()
		if took := time.Since(began); took != lastWithin {
			t.Errorf("the end takes %v", took)
		}
		wantLog(t, w, "WARN the last status is not written: context deadline exceeded")
		w.options.Outlets = nil
		w.start(w.server) // which is stopped after this
	})
}

// TestTimeTells: without anything to do the status is looked at all the same.
func TestTimeTells(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) { // specs are looked at each hour
		for range 10 {
			w.wait(7 * time.Minute)
			if age := time.Since(w.c.Status().Time); age > lookEvery {
				t.Errorf("the status is %v old", age)
			}
		}
	})
}

// TestIntroduction: whose status it is, and what it has been told.
func TestIntroduction(t *testing.T) {
	usage := []Usage{{Account: "1", Calls: 7, Budgets: []Budget{}}}
	inWorldWith(t, func(o *Options) {
		o.Version, o.Instance = "1.2.3", Instance{Host: "here"}
		o.Usage = func() []Usage { return usage }
	}, func(t *testing.T, w *world) {
		s := w.c.Status()
		if s.APIVersion != "ecs-scrape/v1" || s.Kind != StatusKind || s.Version != "1.2.3" || s.Instance.Host != "here" || s.Usage[0].Calls != 7 {
			t.Errorf("%+v", s)
		}
	})
}

// TestWhole: what the whole tells of specs, and of tasks that are missed.
func TestWhole(t *testing.T) {
	inWorldWith(t, func(o *Options) { o.SpecsLocation = "s3://specs" }, func(t *testing.T, w *world) {
		began := time.Now()
		s := w.c.Status()
		if s.Specs.Location != "s3://specs" || s.Specs.Revision == "" || s.Specs.LoadedAt.IsZero() || s.Specs.Error != "" || s.LastError != nil {
			t.Errorf("%+v", s.Specs)
		}
		since := time.Unix(1000, 0).UTC()
		w.inventory.Miss(inventory.Omission{Scope: prod, Task: "gone", Since: since})
		w.source.Fail(errBroken)
		w.wait(time.Minute)
		w.inventory.Trigger()
		w.wait(window)
		s = w.c.Status()
		if diff := cmp.Diff([]Removal{{prod.Account, prod.Region, prod.Cluster, "gone", since}}, s.Removals); diff != "" {
			t.Errorf("removals: -want +got\n%s", diff)
		}
		if s.Specs.Error != "load specs: broken on purpose" || s.Specs.Since.Sub(began) > 2*window || s.Specs.Revision == "" {
			t.Errorf("%+v", s.Specs)
		}
		if s.LastError == nil || s.LastError.Message != s.Specs.Error {
			t.Errorf("%+v", s.LastError)
		}
	})
}
