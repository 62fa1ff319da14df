package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ecs-scrape/controller/ecs"
	"ecs-scrape/reconcile/inventory"
)

// TestScripts runs testdata/script. There, `exits CODE ARG...` runs ecs-scrape
// and holds it to its exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would sleep for a second
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec("ecs-scrape", args[1:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// eachFlag walks the flags of all commands.
func eachFlag(t *testing.T, visit func(t *testing.T, cmd *cobra.Command, f *pflag.Flag)) {
	t.Helper()
	commands := newRootCmd().Commands()
	if len(commands) < 7 {
		t.Fatalf("only %d commands", len(commands))
	}
	for _, cmd := range commands {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && f.Annotations[commandLineOnly] == nil {
				t.Run(cmd.Name()+" --"+f.Name, func(t *testing.T) { visit(t, cmd, f) })
			}
		})
	}
}

// sample is a value that is not the default, as text and as the flag shows it.
func sample(f *pflag.Flag) (text, shown string) {
	switch f.Value.Type() {
	case "bool":
		return "true", "true"
	case "duration":
		return "7m", "7m0s"
	case "float64":
		return "0.25", "0.25"
	case "int":
		return "3", "3"
	case "stringSlice":
		return "a,b", "[a,b]"
	}
	return "some text", "some text"
}

// TestEveryFlagHasAVariable: and the flag wins over it.
func TestEveryFlagHasAVariable(t *testing.T) {
	t.Parallel()
	eachFlag(t, func(t *testing.T, cmd *cobra.Command, f *pflag.Flag) {
		name := "ECS_SCRAPE_" + strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToUpper(f.Name))
		text, shown := sample(f)
		lookup := func(asked string) (string, bool) { return text, asked == name }
		before := f.Value.String()
		if err := fromEnvironment(cmd.Flags(), func(string) (string, bool) { return "", false }); err != nil || f.Value.String() != before {
			t.Errorf("without a variable it is %s: %v", f.Value, err)
		}
		if err := fromEnvironment(cmd.Flags(), lookup); err != nil {
			t.Fatal(err)
		}
		if got := f.Value.String(); got != shown {
			t.Errorf("%s=%s gives %q", name, text, got)
		}

		again, _, err := newRootCmd().Find([]string{cmd.Name()})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Flags().Parse([]string{"--" + f.Name + "=" + text}); err != nil {
			t.Fatal(err)
		}
		if err := fromEnvironment(again.Flags(), func(asked string) (string, bool) { return "1", asked == name }); err != nil {
			t.Fatal(err)
		}
		if got := again.Flag(f.Name).Value.String(); got != shown {
			t.Errorf("the flag is overruled: %q", got)
		}
	})
}

// TestBadVariable: the error names the variable and its value.
func TestBadVariable(t *testing.T) {
	t.Parallel()
	eachFlag(t, func(t *testing.T, cmd *cobra.Command, f *pflag.Flag) {
		if kind := f.Value.Type(); kind == "string" || kind == "stringSlice" {
			return // takes anything here
		}
		err := fromEnvironment(cmd.Flags(), func(asked string) (string, bool) { return "nonsense", asked == envName(f.Name) })
		if want := "environment variable " + envName(f.Name) + ` is "nonsense": `; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s...", err, want)
		}
	})
}

func TestQuotaList(t *testing.T) {
	t.Parallel()
	f := &ecsFlags{}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.add(flags)
	list := string(ecs.ClusterRead) + "=200/50," + string(ecs.TaskDefinitionRead) + "=300/60"
	if err := fromEnvironment(flags, func(name string) (string, bool) { return list, name == "ECS_SCRAPE_ECS_QUOTA" }); err != nil {
		t.Fatal(err)
	}
	if _, err := f.watcher(); err != nil || len(f.quotas) != 2 {
		t.Errorf("quotas %q: %v", f.quotas, err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--ecs.quota=nonsense"}, "--ecs.quota: "},
		{[]string{"--ecs.events-queue=ecs-events"}, `--ecs.events-queue: "ecs-events" is no URL of an SQS queue`},
		{[]string{"--ecs.quota-share=0"}, "--ecs.quota-share is 0: give a share above 0 and up to 1"},
		{[]string{"--ecs.quota-share=1.1"}, "--ecs.quota-share is 1.1"},
		{[]string{"--ecs.quota-share=NaN"}, "--ecs.quota-share is NaN"},
	} {
		f, flags := &ecsFlags{}, pflag.NewFlagSet("", pflag.ContinueOnError)
		f.add(flags)
		f.addWatch(flags)
		if err := flags.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		if _, err := f.watcher(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}

// TestPanicIsAnError: never an answer, of no command.
func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"diff"}, {"validate", "."}, {"healthcheck"}} {
		root := newRootCmd()
		cmd, rest, err := root.Find(args)
		if err != nil {
			t.Fatal(err)
		}
		cmd.RunE = func(*cobra.Command, []string) error { panic("what a pity") }
		root.SetArgs(append([]string{cmd.Name()}, rest...))
		var stderr bytes.Buffer
		if code := executeOn(t.Context(), root, &stderr); code == exitOK || (cmd.Name() == "diff" && code != exitError) {
			t.Errorf("%s: exit code %d", cmd.Name(), code)
		}
		if !strings.HasPrefix(stderr.String(), "ecs-scrape: panic: what a pity\n") {
			t.Errorf("%s: %s", cmd.Name(), &stderr)
		}
	}
}

func command(ctx context.Context, args ...string) (code int, stderr string) {
	var errs bytes.Buffer
	code = execute(ctx, args, strings.NewReader(""), io.Discard, &errs)
	return code, errs.String()
}

func TestHealthcheck(t *testing.T) {
	healthy := true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("asks %s", r.URL)
		}
		if !healthy {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = fmt.Fprintln(w, "nothing is published yet")
	}))
	defer s.Close()
	address := s.Listener.Addr().String()
	_, port, _ := strings.Cut(address, ":")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	for _, listen := range []string{address, ":" + port, "0.0.0.0:" + port} {
		if code, stderr := command(t.Context(), "healthcheck", "--web.listen-address", listen); code != 0 || stderr != "" {
			t.Errorf("%s: exit code %d: %s", listen, code, stderr)
		}
	}
	healthy = false
	if code, stderr := command(t.Context(), "healthcheck", "--web.listen-address", address); code != 1 || stderr != "ecs-scrape: unhealthy: nothing is published yet\n" {
		t.Errorf("unhealthy: exit code %d: %s", code, stderr)
	}
	s.Close()
	for _, args := range [][]string{
		{"--web.listen-address", address}, {"--web.listen-address", "a b"}, {"--nonsense"}, {"argument"}, {"--timeout", "soon"},
	} {
		if code, stderr := command(t.Context(), append([]string{"healthcheck"}, args...)...); code != 1 || stderr == "" {
			t.Errorf("%v: exit code %d: %s", args, code, stderr)
		}
	}
}

// TestHealthcheckTimeout: a controller that hangs is not healthy.
func TestHealthcheckTimeout(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer s.Close()
	code, stderr := command(t.Context(), "healthcheck", "--web.listen-address", s.Listener.Addr().String(), "--timeout", "50ms")
	if code != 1 || !strings.Contains(stderr, "no controller answers") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestHealthcheckBehindWebConfig: TLS and a password on the page do not make a
// healthy controller unhealthy, for ECS would kill it.
func TestHealthcheckBehindWebConfig(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	output := t.TempDir()
	check := func() (int, string) {
		return command(t.Context(), "healthcheck", "--web.listen-address", s.Listener.Addr().String(), "--output", output)
	}
	if code, stderr := check(); code != 0 {
		t.Errorf("TLS: exit code %d: %s", code, stderr)
	}
	status = http.StatusUnauthorized
	if code, stderr := check(); code != 1 || !strings.Contains(stderr, "nothing is published yet") {
		t.Errorf("a password, and nothing published: exit code %d: %s", code, stderr)
	}
	must(t, os.Mkdir(filepath.Join(output, "current"), 0o700))
	must(t, os.WriteFile(filepath.Join(output, "current", "prometheus.yml"), nil, 0o600))
	if code, stderr := check(); code != 0 {
		t.Errorf("a password: exit code %d: %s", code, stderr)
	}
}

func TestSpecsInterval(t *testing.T) {
	t.Parallel()
	for want, f := range map[time.Duration]specsFlags{
		time.Second: {location: "specs"}, 10 * time.Second: {location: "s3://bucket/prefix"}, 3 * time.Second: {location: "s3://bucket", interval: 3 * time.Second},
	} {
		if got := f.pollInterval(); got != want {
			t.Errorf("%+v: %v", f, got)
		}
	}
}

// TestAWSMetrics: entries that share an account and region, and queues that
// several of them name, are no double series.
func TestAWSMetrics(t *testing.T) {
	t.Parallel()
	w, err := (&ecsFlags{share: 0.5, poll: time.Second}).watcher()
	if err != nil {
		t.Fatal(err)
	}
	const queue = "http://127.0.0.1:1/123456789012/ecs-events"
	w.Want(inventory.Want{Sources: []inventory.Source{
		{Region: "us-east-1", Clusters: []string{"a"}, EventsQueue: queue},
		{Region: "us-east-1", Clusters: []string{"b"}, EventsQueue: queue},
		{Region: "eu-west-1", EventsQueue: queue},
	}})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(awsCollector{w})
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	if n, err := testutil.GatherAndCount(registry, "ecs_scrape_listing_interval_seconds"); err != nil || n != 2 {
		t.Errorf("%d regions: %v", n, err)
	}
}

// TestEventResults: the results of a queue's messages add up to all of them.
func TestEventResults(t *testing.T) {
	t.Parallel()
	got := results(&ecs.QueueStats{Received: 42, Applied: 10, Known: 1, Strange: 7, Odd: 3, Instances: 4, Outdated: 5, Ignored: 2, Poison: 7, Objects: 6})
	want := map[string]uint64{"applied": 7, "known": 1, "unlisted": 7, "odd": 3, "instance": 4, "outdated": 5, "ignored": 2, "poison": 7, "object": 6}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestListings(t *testing.T) {
	t.Parallel()
	got := listings([]ecs.PollStats{
		{Account: "1", Region: "r", Interval: time.Second, Duration: 3 * time.Second, Listings: map[ecs.Cause]uint64{ecs.CausePoll: 1}},
		{Account: "1", Region: "r", Interval: 2 * time.Second, Duration: time.Second, Listings: map[ecs.Cause]uint64{ecs.CausePoll: 2, ecs.CauseStart: 1}},
		{Account: "2", Region: "r"},
	})
	if len(got) != 2 || got[0].interval != 2*time.Second || got[0].duration != 3*time.Second || got[0].causes[ecs.CausePoll] != 3 || got[0].causes[ecs.CauseStart] != 1 {
		t.Errorf("%+v", got)
	}
}

// TestCommands are all there are, and each has words of its own.
func TestCommands(t *testing.T) {
	t.Parallel()
	var names []string
	for _, cmd := range newRootCmd().Commands() {
		names = append(names, cmd.Name())
		if cmd.Short == "" {
			t.Errorf("%s: no description", cmd.Name())
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s: no description", cmd.Name(), f.Name)
			}
		})
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"diff", "explain", "healthcheck", "publish", "render", "revisions", "rollback", "run", "schema", "snapshot", "status", "validate", "version"}, names); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
