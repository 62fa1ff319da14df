package target

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bench is a reloader before a fake, and what it reported.
type bench struct {
	*Reloader
	fake   *fakePrometheus
	want   Want
	states []string
	errs   []error
}

// newBench starts a Prometheus, and publishes 90 s later.
func newBench(t *testing.T) *bench {
	t.Helper()
	fake := newFake("a", "b")
	time.Sleep(90*time.Second + 400*time.Millisecond)
	client, err := NewPrometheus("http://prometheus.test/prefix/", PrometheusOptions{Transport: fake})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{fake: fake, want: Want{
		Digest: "0123456789abcdef", Swapped: time.Now(), Pools: func() []string { return []string{"a", "b"} }, Path: "/out/current/prometheus.yml",
	}}
	b.Reloader = &Reloader{Prometheus: client, Report: func(state string, err error) {
		b.states = append(b.states, state)
		b.errs = append(b.errs, err)
	}}
	return b
}

// ensure gives up after a minute and a half of the bubble's time.
func (b *bench) ensure(t *testing.T) (Confirmation, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	return b.Ensure(ctx, b.want)
}

func TestEnsure(t *testing.T) {
	tests := map[string]struct {
		prepare func(b *bench)
		reloads int
		states  []string // reported, in order
		err     string   // "" is confirmed
	}{
		"reloads": {
			func(*bench) {}, 1, []string{StateReloading, StateConfirmed}, "",
		},
		"waits for the WAL": {
			func(b *bench) { b.fake.NotReady(); time.AfterFunc(30*time.Second, b.fake.Ready) },
			1,
			[]string{StateStarting, StateReloading, StateConfirmed},
			"",
		},
		"waits for Prometheus": {
			func(b *bench) { b.fake.Down(); time.AfterFunc(30*time.Second, b.fake.Up) },
			1,
			[]string{StateUnreachable, StateReloading, StateConfirmed},
			"",
		},
		"never there": {
			func(b *bench) { b.fake.Down() },
			0,
			[]string{StateUnreachable},
			"connection refused",
		},
		"main file rejected": {
			func(b *bench) {
				b.fake.Reject("failed to reload config: couldn't load configuration: line 3: field x not found")
			},
			1,
			[]string{StateReloading, StateRejected},
			"line 3: field x not found",
		},
		"rule file rejected": {
			func(b *bench) { b.fake.Reject("failed to reload config: one or more errors occurred") },
			1,
			[]string{StateReloading, StateRejected},
			"one or more errors occurred (the reason is in Prometheus's log)",
		},
		"started after the swap": {
			func(b *bench) { time.Sleep(time.Second); b.fake.Restart() }, 0, []string{StateConfirmed}, "",
		},
		"started in the instant of the swap": {
			func(b *bench) { time.Sleep(time.Millisecond); b.fake.Restart() }, 1, []string{StateReloading, StateConfirmed}, "",
		},
		"started in the second of the swap, and after it": {
			func(b *bench) { time.Sleep(2 * swapSlack); b.fake.Restart() }, 0, []string{StateConfirmed}, "",
		},
		"reloaded by another in the second of the swap": {
			func(b *bench) { b.fake.LoadedAt(b.want.Swapped) }, 1, []string{StateReloading, StateConfirmed}, "",
		},
		"reloaded by another around the swap": {
			func(b *bench) { time.Sleep(2 * time.Second); b.fake.LoadedAt(time.Now()) },
			1,
			[]string{StateReloading, StateConfirmed},
			"",
		},
		"reloaded by another long after": {
			func(b *bench) { time.Sleep(time.Minute); b.fake.LoadedAt(time.Now()) }, 0, []string{StateConfirmed}, "",
		},
		"the last reload failed": {
			func(b *bench) { time.Sleep(time.Minute); b.fake.Restart(); b.fake.Fail() },
			1,
			[]string{StateReloading, StateConfirmed},
			"",
		},
		"lifecycle off": {
			func(b *bench) { b.fake.Forbidden() }, -1,
			[]string{StateReloading, StateLifecycleDisabled},
			"--web.enable-lifecycle",
		},
		"lifecycle off, restarted": {
			func(b *bench) { b.fake.Forbidden(); time.AfterFunc(20*time.Second, b.fake.Restart) }, -1,
			[]string{StateReloading, StateLifecycleDisabled, StateConfirmed},
			"",
		},
		"lifecycle off, restarted in the second of the swap": {
			func(b *bench) { b.fake.Forbidden(); time.Sleep(time.Millisecond); b.fake.Restart() },
			1,
			[]string{StateReloading, StateConfirmed},
			"",
		},
		"lifecycle off, reloaded by a signal soon after the swap": {
			func(b *bench) {
				b.fake.Answer(http.StatusNotFound)
				time.Sleep(2 * time.Second)
				b.fake.LoadedAt(time.Now())
			},
			1,
			[]string{StateReloading, StateConfirmed},
			"",
		},
		"another file": {
			func(b *bench) { b.fake.OtherPath("/etc/prometheus/prometheus.yml") },
			0,
			[]string{StateOtherConfig},
			"--config.file=/etc/prometheus/prometheus.yml, but the configuration is published as /out/current/prometheus.yml",
		},
		"another file, then restarted with ours": {
			func(b *bench) {
				b.fake.OtherPath("/etc/prometheus/prometheus.yml")
				time.AfterFunc(20*time.Second, func() { b.fake.OtherPath("/out//current/prometheus.yml"); b.fake.Restart() })
			},
			0,
			[]string{StateOtherConfig, StateConfirmed},
			"",
		},
		"another mount point": {
			func(b *bench) { b.fake.OtherPath("/mnt/x/current/prometheus.yml") },
			1,
			[]string{StateOtherMount, StateReloading, StateConfirmed},
			"",
		},
		"relative path": {
			func(b *bench) { b.fake.OtherPath("out/current/prometheus.yml") }, 1, []string{StateReloading, StateConfirmed}, "",
		},
		"a lost pool": {
			func(b *bench) { b.fake.LosePool("b") },
			1,
			[]string{StateReloading, StateVerifying, StatePoolsMissing},
			"no scrape pool b:",
		},
		"a late pool": {
			func(b *bench) { b.fake.LosePool("b"); time.AfterFunc(14*time.Second, func() { b.fake.FindPool("b") }) },
			1,
			[]string{StateReloading, StateVerifying, StateConfirmed},
			"",
		},
		"the reload hangs, then works": {
			func(b *bench) { b.fake.Hang(); time.AfterFunc(30*time.Second, b.fake.Unhang) },
			1,
			[]string{StateReloading, StateUnreachable, StateConfirmed},
			"",
		},
		"broken by another right after": {
			func(b *bench) {
				b.fake.Then(func(f *fakePrometheus) { f.success = false; f.after = nil })
			},
			2,
			[]string{StateReloading, StateUnconfirmed, StateConfirmed},
			"",
		},
		"clocks apart": {
			func(b *bench) { b.fake.Skew(-time.Hour) },
			-1,
			[]string{StateReloading, StateUnconfirmed},
			"are the clocks apart?",
		},
		"ends while reloading": {
			func(b *bench) {
				b.fake.Answer(http.StatusServiceUnavailable)
				time.AfterFunc(5*time.Second, func() { b.fake.Answer(0) })
			},
			-1,
			[]string{StateReloading, StateStarting, StateConfirmed},
			"",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				tc.prepare(b)
				got, err := b.ensure(t)
				if tc.err == "" && (err != nil || got.Digest != b.want.Digest || got.Loaded.IsZero()) {
					t.Errorf("Ensure() = %+v, %v", got, err)
				}
				if tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
					t.Errorf("Ensure() error %v, want one with %q", err, tc.err)
				}
				if n := b.fake.Reloads(); tc.reloads >= 0 && n != tc.reloads {
					t.Errorf("%d reloads, want %d", n, tc.reloads)
				}
				if diff := cmp.Diff(tc.states, b.states); diff != "" {
					t.Errorf("states (-want +got):\n%s\n%v", diff, b.errs)
				}
			})
		})
	}
}

func TestEnsureErrorsAreTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.fake.Down()
		_, err := b.ensure(t)
		if !isA[*UnreachableError](err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %#v", err)
		}
		b.fake.Up()
		b.fake.Reject("no")
		_, err = b.ensure(t)
		rejected, ok := errors.AsType[*RejectedError](err)
		if !ok || rejected.Body != "no" || rejected.Status != http.StatusInternalServerError || rejected.Digest != b.want.Digest {
			t.Errorf("error %#v", err)
		}
	})
}

func TestEnsureEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.fake.Hang()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(7*time.Second, cancel)
		begin := time.Now()
		if _, err := b.Ensure(ctx, b.want); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(begin); took != 7*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestBackOffGrowsToTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.fake.Down()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_, _ = b.Ensure(ctx, b.want)
		if b.fake.calls < 60 || b.fake.calls > 140 {
			t.Errorf("%d calls in ten minutes", b.fake.calls)
		}
	})
}

// TestOwnReloadIsRemembered: after a 200 in the very second of the swap nothing
// more is due, but a new swap of the same digest is another matter.
func TestOwnReloadIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for range 3 {
			if _, err := b.ensure(t); err != nil {
				t.Fatal(err)
			}
		}
		if n := b.fake.Reloads(); n != 1 {
			t.Errorf("%d reloads, want 1", n)
		}
		time.Sleep(time.Second)
		b.want.Swapped = time.Now()
		if got, err := b.ensure(t); err != nil || !got.Reloaded {
			t.Errorf("Ensure() = %+v, %v", got, err)
		}
	})
}

func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		check := func(what string, want bool) {
			t.Helper()
			reloads := b.fake.Reloads()
			got, _, err := b.Check(t.Context(), b.want)
			if err != nil || got != want || b.fake.Reloads() != reloads {
				t.Errorf("%s: Check() = %v, %v, want %v", what, got, err, want)
			}
		}
		check("before the reload", false)
		if _, err := b.ensure(t); err != nil {
			t.Fatal(err)
		}
		check("after the reload", true)
		b.fake.Fail()
		check("reloaded into failure by another", false)
		time.Sleep(time.Minute)
		b.fake.Restart()
		check("restarted", true)
		_, started, _ := b.Check(t.Context(), b.want)
		if !started.Equal(time.Now()) {
			t.Errorf("started %s, want %s", started, time.Now())
		}
		b.fake.Down()
		if _, _, err := b.Check(t.Context(), b.want); !isA[*UnreachableError](err) {
			t.Errorf("error %v", err)
		}
	})
}

func TestNewPrometheusRefuses(t *testing.T) {
	for _, address := range []string{"", "localhost:9090", "ftp://x", "http://", "http://x/?a=b", "http://x/#f", "http://%zz"} {
		if _, err := NewPrometheus(address, PrometheusOptions{}); err == nil {
			t.Errorf("%q was accepted", address)
		}
	}
}

func TestPrometheusAnswers(t *testing.T) {
	fake := newFake("a")
	p, err := NewPrometheus("http://prometheus.test/prefix", PrometheusOptions{Transport: fake})
	if err != nil {
		t.Fatal(err)
	}
	if version, err := p.BuildInfo(t.Context()); version != "3.15.0" || err != nil {
		t.Errorf("BuildInfo() = %q, %v", version, err)
	}
	if pools, err := p.Pools(t.Context()); !slices.Equal(pools, []string{"a"}) || err != nil {
		t.Errorf("Pools() = %q, %v", pools, err)
	}
	p, err = NewPrometheus("http://prometheus.test", PrometheusOptions{Transport: fake})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "path prefix") {
		t.Errorf("without the prefix: %v", err)
	}
}

func TestPrometheusAnswersAreBounded(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"endless":    {`{"status":"success","data":"` + strings.Repeat("x", maxAnswer) + `"}`, "more than 8 MiB"},
		"a web page": {"<html>", "not Prometheus's"},
		"an error":   {`{"status":"error","error":"no"}`, `status "error": no`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := NewPrometheus("http://prometheus.test", PrometheusOptions{Transport: fixed(tc.body)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Flags(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}
