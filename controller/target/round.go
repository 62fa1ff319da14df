package target

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"time"

	"ecs-scrape/reconcile/artifact"
)

// round is what one call of Ensure remembers.
type round struct {
	*Reloader
	want         Want
	confirmation Confirmation
	reason       error  // why the last attempt failed
	state        string // reported last
	text         string // of the error reported last
	mounted      bool   // that the mount differs was reported
	asked        bool   // that a reload was asked for was reported
}

// attempt is one try, from the question whether Prometheus is there to the
// confirmation.
func (t *round) attempt(ctx context.Context) error {
	for _, step := range []func(context.Context) error{t.ready, t.sameFile, t.reload, t.verify, t.pools} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *round) ready(ctx context.Context) error {
	ready, err := t.Prometheus.Ready(ctx)
	if err != nil {
		return &UnreachableError{Cause: err}
	}
	if !ready {
		return errStarting
	}
	return nil
}

func (t *round) sameFile(ctx context.Context) error {
	if t.want.Path == "" {
		return nil
	}
	flags, err := t.Prometheus.Flags(ctx)
	if err != nil {
		return unanswered(err)
	}
	info, err := t.Prometheus.Runtime(ctx)
	if err != nil {
		return unanswered(err)
	}
	theirs, ours := flags["config.file"], filepath.Clean(t.want.Path)
	seen := path.Clean(theirs)
	if !path.IsAbs(seen) {
		seen = path.Join(info.CWD, seen)
	}
	t.confirmation.OtherMount = ""
	switch {
	case seen == ours:
		return nil
	case !ourFile(seen):
		return &OtherConfigError{Theirs: theirs, Ours: ours}
	}
	t.confirmation.OtherMount = theirs
	t.once(StateOtherMount, &t.mounted)
	return nil
}

// ourFile: another container may have the output directory mounted elsewhere.
func ourFile(seen string) bool {
	return path.Base(seen) == artifact.ConfigFile && path.Base(path.Dir(seen)) == currentLink
}

// reload asks for a reload if one is due.
func (t *round) reload(ctx context.Context) error {
	info, err := t.Prometheus.Runtime(ctx)
	if err != nil {
		return unanswered(err)
	}
	if t.runs(t.want, info) {
		return nil
	}
	t.once(StateReloading, &t.asked)
	err = t.Prometheus.Reload(ctx)
	switch status := statusOf(err); status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		// Nothing but a restart or a signal reloads it, so its word is enough.
		if !t.want.reloadedSince(info) {
			return &LifecycleDisabledError{Status: status}
		}
	case http.StatusInternalServerError:
		return &RejectedError{Digest: t.want.Digest, Status: status, Body: bodyOf(err)}
	default:
		if err != nil {
			return unanswered(err)
		}
		t.confirmation.Reloaded = true
	}
	t.accept(t.want)
	return nil
}

// verify reads once more what Prometheus runs now.
func (t *round) verify(ctx context.Context) error {
	info, err := t.Prometheus.Runtime(ctx)
	if err != nil {
		return unanswered(err)
	}
	t.confirmation.Loaded, t.confirmation.Started = info.LastConfigTime, info.StartTime
	if !t.runs(t.want, info) {
		return &UnconfirmedError{Success: info.ReloadConfigSuccess, Loaded: info.LastConfigTime, Swapped: t.want.Swapped}
	}
	return nil
}

// pools waits until each pool exists that has targets now and keeps them. Those
// that get their first target meanwhile are not waited for: they could go on
// coming.
func (t *round) pools(ctx context.Context) error {
	limit := time.Now().Add(poolWait)
	missing := t.want.pools()
	for pause := firstPause; ; pause = min(2*pause, time.Second) {
		var err error
		if missing, err = t.absent(ctx, t.still(missing)); err != nil {
			return err
		}
		if len(missing) == 0 {
			return nil
		}
		if !time.Now().Before(limit) {
			return &PoolsMissingError{Pools: missing}
		}
		t.progress(StateVerifying)
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// still are those of the pools that have targets still.
func (t *round) still(pools []string) []string {
	now := t.want.pools()
	return slices.DeleteFunc(slices.Clone(pools), func(name string) bool { return !slices.Contains(now, name) })
}

// ended is the error of a context that ended, with what there was to wait for.
func (t *round) ended(ctx context.Context) error {
	if t.reason == nil {
		return fmt.Errorf("confirm configuration %s: %w", t.want.Digest, ctx.Err())
	}
	return fmt.Errorf("confirm configuration %s: %w (%w)", t.want.Digest, ctx.Err(), t.reason)
}

// progress reports a state that is no failure.
func (t *round) progress(state string) { t.report(state, nil) }

// once is progress for a step that is taken anew in each attempt: after the
// first, it tells nothing better than why the attempt before it failed.
func (t *round) once(state string, said *bool) {
	if !*said {
		*said = true
		t.progress(state)
	}
}

// failed reports why an attempt failed, and says whether it is a failure of
// another kind than the last.
func (t *round) failed(err error) bool {
	state := stateOf(err)
	fresh := t.reason == nil || stateOf(t.reason) != state
	t.report(state, err)
	t.reason = err
	return fresh
}

// report tells what differs from what was told last.
func (t *round) report(state string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if state == t.state && text == t.text {
		return
	}
	t.state, t.text = state, text
	if t.Report != nil {
		t.Report(state, err)
	}
}

// unanswered: a Prometheus that ends or restarts in between says 503.
func unanswered(err error) error {
	if statusOf(err) == http.StatusServiceUnavailable {
		return errStarting
	}
	return &UnreachableError{Cause: err}
}

func bodyOf(err error) string {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Body
	}
	return ""
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
