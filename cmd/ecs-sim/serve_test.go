package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output is what a command prints while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start starts ecs-sim; stop interrupts it and answers its error.
func start(t *testing.T, args ...string) (out *output, stop func() error) {
	t.Helper()
	out = &output{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(out)
	go func() { ended <- root.ExecuteContext(ctx) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-ended })
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return out, stop
}

// waitFor waits until the output has a text.
func waitFor(t *testing.T, out *output, text string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(out.String(), text) {
		select {
		case <-deadline:
			t.Fatalf("no %q in:\n%s", text, out)
		case <-tick.C:
		}
	}
}

func TestServe(t *testing.T) {
	tests := []struct {
		scenario string
		clusters int
	}{{"shop", 2}, {"empty", 0}}
	for _, test := range tests {
		t.Run(test.scenario, func(t *testing.T) {
			out, stop := start(t, "serve", "--listen", "127.0.0.1:0", "--scenario", test.scenario)
			waitFor(t, out, "Interrupt to end")
			for line := range strings.Lines(out.String()) {
				if variable, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
					name, value, _ := strings.Cut(variable, "=")
					t.Setenv(name, value)
				}
			}
			t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
			cfg, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			listed, err := ecs.NewFromConfig(cfg).ListClusters(t.Context(), &ecs.ListClustersInput{})
			if err != nil {
				t.Fatal(err)
			}
			if len(listed.ClusterArns) != test.clusters {
				t.Errorf("clusters %v, want %d", listed.ClusterArns, test.clusters)
			}
			if err := stop(); err != nil {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestServeLive(t *testing.T) {
	out, stop := start(t, "serve", "--listen", "127.0.0.1:0", "--live", "--live.every", "1ms", "--start-delay", "0", "--stop-delay", "0", "--no-quotas")
	for _, change := range []string{"deploy ", "scale ", "crashes", "replace "} {
		waitFor(t, out, change)
	}
	if err := stop(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestServeRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"serve", "--scenario", "nope"},
		{"serve", "--listen", "nowhere"},
		{"serve", "argument"},
		{"nope"},
	} {
		root := newRootCommand()
		root.SetArgs(args)
		if err := root.ExecuteContext(t.Context()); err == nil {
			t.Errorf("%s: no error", strings.Join(slices.Clone(args), " "))
		}
	}
}
