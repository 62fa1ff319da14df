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
	reason       error           // why the last attempt failed
	said         map[string]bool // states reported since the kind of reason changed
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
	t.progress(StateOtherMount)
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
	t.progress(StateReloading)
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

// pools waits until each pool with targets exists.
func (t *round) pools(ctx context.Context) error {
	limit := time.Now().Add(poolWait)
	for pause := firstPause; ; pause = min(2*pause, time.Second) {
		missing, err := t.missing(ctx)
		if err != nil {
			return unanswered(err)
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

func (t *round) missing(ctx context.Context) ([]string, error) {
	if len(t.want.Pools) == 0 {
		return nil, nil
	}
	found, err := t.Prometheus.Pools(ctx)
	if err != nil {
		return nil, err
	}
	have := make(map[string]bool, len(found))
	for _, name := range found {
		have[name] = true
	}
	missing := slices.DeleteFunc(slices.Clone(t.want.Pools), func(name string) bool { return have[name] })
	slices.Sort(missing)
	return missing, nil
}

// ended is the error of a context that ended, with what there was to wait for.
func (t *round) ended(ctx context.Context) error {
	if t.reason == nil {
		return fmt.Errorf("confirm configuration %s: %w", t.want.Digest, ctx.Err())
	}
	return fmt.Errorf("confirm configuration %s: %w (%w)", t.want.Digest, ctx.Err(), t.reason)
}

// progress reports a state that is no failure, once.
func (t *round) progress(state string) {
	if t.said[state] {
		return
	}
	t.said[state] = true
	t.report(state, nil)
}

// failed reports why an attempt failed, if it did not fail the same way before,
// and says whether it is a failure of another kind.
func (t *round) failed(err error) bool {
	state := stateOf(err)
	fresh := t.reason == nil || stateOf(t.reason) != state
	if fresh || t.reason.Error() != err.Error() {
		t.report(state, err)
	}
	if fresh {
		clear(t.said)
	}
	t.reason = err
	return fresh
}

func (t *round) report(state string, err error) {
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
