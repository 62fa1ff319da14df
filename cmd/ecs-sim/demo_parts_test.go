package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

// TestDemoChildDies has a controller that ends at once.
func TestDemoChildDies(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho these are my last words\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	o := demoOptions{scrape: broken, prometheus: broken, ui: dir, dir: filepath.Join(dir, "demo"), in: strings.NewReader(""), out: &out}
	err := runDemo(t.Context(), o)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"controller ended (exit status 3)", "these are my last words"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if diff := cmp.Diff([]string{demoLock, "controller.log", "specs"}, names(t, o.dir)); diff != "" {
		t.Errorf("the folder (-want +got):\n%s", diff)
	}
}

// place opens the demo's folder and puts specs into it.
func place(t *testing.T, dir string, ports demoPorts, reset, wantKept bool) *demoFolder {
	t.Helper()
	f, err := openDemoFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := f.placeSpecs(ports, reset); err != nil || kept != wantKept {
		t.Fatalf("kept %t, err %v; want %t", kept, err, wantKept)
	}
	return f
}

func shut(t *testing.T, f *demoFolder, ports demoPorts) {
	t.Helper()
	if _, err := f.close(ports, false); err != nil {
		t.Fatal(err)
	}
}

func TestDemoFolderUntouched(t *testing.T) {
	ports := demoPorts{prometheus: 1, controller: 2, aws: 3, proxy: 4}
	dir := filepath.Join(t.TempDir(), "demo")
	f := place(t, dir, ports, false, false)
	if _, err := openDemoFolder(dir); err == nil || !strings.Contains(err.Error(), "a demo runs in") {
		t.Errorf("a second demo in the folder: %v", err)
	}
	shut(t, f, ports)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("an untouched folder is left: %v", err)
	}
}

func TestDemoFolderEdited(t *testing.T) {
	ports := demoPorts{prometheus: 1, controller: 2, aws: 3, proxy: 4}
	dir := filepath.Join(t.TempDir(), "demo")
	f := place(t, dir, ports, false, false)
	rules := f.path("specs", "rules.yaml")
	if err := os.WriteFile(rules, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(f.path("output", "current"), 0o755); err != nil {
		t.Fatal(err)
	}
	shut(t, f, ports)
	if diff := cmp.Diff([]string{demoLock, "specs"}, names(t, dir)); diff != "" {
		t.Errorf("after an edit (-want +got):\n%s", diff)
	}

	ports.proxy = 5
	f = place(t, dir, ports, false, true)
	config, err := os.ReadFile(f.path("specs", "prometheus.yaml"))
	if err != nil || !bytes.Contains(config, []byte("proxy_url: http://127.0.0.1:5 #")) {
		t.Errorf("the proxy of kept specs is not corrected: %v\n%s", err, config)
	}
	if data, err := os.ReadFile(rules); err != nil || string(data) != "mine" {
		t.Errorf("the edited spec is now %q, %v", data, err)
	}
	shut(t, f, ports)
	shut(t, place(t, dir, ports, true, false), ports)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after --reset the folder is left: %v", err)
	}
}

func TestDemoFolderOfSomebodyElse(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "output")
	if err := os.WriteFile(mine, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openDemoFolder(dir); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}

func TestDemoPortsCorrect(t *testing.T) {
	ports := demoPorts{prometheus: 1, controller: 2, proxy: 4}
	tests := []struct{ in, want string }{
		{`a: "127.0.0.1:9" # the demo keeps this port right: controller`, `a: "127.0.0.1:2" # the demo keeps this port right: controller`},
		{"a: 127.0.0.1:9\n# the demo keeps this port right: proxy", "a: 127.0.0.1:9\n# the demo keeps this port right: proxy"},
		{"127.0.0.1:9 # the demo keeps this port right: nobody", "127.0.0.1:9 # the demo keeps this port right: nobody"},
	}
	for _, test := range tests {
		if got := string(ports.correct([]byte(test.in))); got != test.want {
			t.Errorf("%q became %q, want %q", test.in, got, test.want)
		}
	}
}

func TestDemoPortsChoose(t *testing.T) {
	first, err := demoPorts{}.choose(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := listenAt(t.Context(), first.prometheus)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	second, err := first.choose(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := []int{second.prometheus, second.controller, second.aws, second.proxy}
	slices.Sort(all)
	if second.prometheus == first.prometheus || len(slices.Compact(all)) != 4 {
		t.Errorf("chose %+v although %d is taken", second, first.prometheus)
	}
}

func TestSimulatedOnly(t *testing.T) {
	got := simulatedOnly([]string{"PATH=/bin", "AWS_PROFILE=real", "ECS_SCRAPE_SPECS=/other", "HOME=/root"}, []string{"AWS_REGION=r"})
	want := []string{"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "PATH=/bin", "HOME=/root", "AWS_REGION=r"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDemoShopCommands(t *testing.T) {
	sim, err := awssim.Start(awssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	built, err := awssim.Shop(sim)
	if err != nil {
		t.Fatal(err)
	}
	shop := newDemoShop(sim, built, &demoJournal{})
	tests := []struct {
		line, answer, refusal string
		cluster, service      string
		tasks                 int
	}{
		{line: "stop checkout", answer: "stop shop-prod/checkout, 4 tasks", cluster: "shop-prod", service: "checkout"},
		{line: "crash checkout", refusal: "no task of shop-prod/checkout runs"},
		{line: "start checkout", answer: "start shop-prod/checkout, 4 tasks", cluster: "shop-prod", service: "checkout", tasks: 4},
		{line: "start checkout", refusal: "was not stopped by you"},
		{line: " scale  shop-staging/cart 3 ", answer: "scale shop-staging/cart to 3", cluster: "shop-staging", service: "cart", tasks: 3},
		{line: "crash web", answer: "crash a task of shop-prod/web", cluster: "shop-prod", service: "web", tasks: 3},
		{line: "scale cart many", refusal: "give a number of tasks"},
		{line: "scale cart 51", refusal: "give a number of tasks"},
		{line: "stop cadvisor", refusal: "runs on every machine"},
		{line: "stop nothing", refusal: "there is no service nothing, but checkout, cart"},
		{line: "stop", refusal: "needs the name of a service"},
		{line: "dance", refusal: `"dance" is no command`},
		{line: "pause", answer: "changes only when told"},
		{line: "resume", answer: "changes by itself again"},
		{line: "  "},
	}
	for _, test := range tests {
		answer, err := shop.do(test.line)
		if !strings.Contains(answer, test.answer) || (err == nil) != (test.refusal == "") {
			t.Errorf("%s: %q, %v; want %q", test.line, answer, err, test.answer)
		}
		if err != nil && !strings.Contains(err.Error(), test.refusal) {
			t.Errorf("%s: refused with %q, want %q", test.line, err, test.refusal)
		}
		if test.service == "" {
			continue
		}
		if running, err := sim.RunningTasks(test.cluster, test.service); err != nil || len(running) != test.tasks {
			t.Errorf("%s: %d tasks run, %v; want %d", test.line, len(running), err, test.tasks)
		}
	}
}

// TestDemoShopStaysStopped lets the shop change a lot after a stop.
func TestDemoShopStaysStopped(t *testing.T) {
	sim, err := awssim.Start(awssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	built, err := awssim.Shop(sim)
	if err != nil {
		t.Fatal(err)
	}
	shop := newDemoShop(sim, built, &demoJournal{})
	if _, err := shop.do("stop cart"); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if err := shop.step(); err != nil {
			t.Fatal(err)
		}
	}
	if running, err := sim.RunningTasks("shop-prod", "cart"); err != nil || len(running) > 0 {
		t.Errorf("%d tasks of a stopped service run, %v", len(running), err)
	}
}

func TestDemoMeter(t *testing.T) {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	counts := func(list, describe, throttled int) []awssim.CallCount {
		return []awssim.CallCount{
			{Operation: "ListTasks", Calls: list, Throttled: throttled},
			{Operation: "DescribeTaskDefinition", Calls: describe},
		}
	}
	m := newDemoMeter(began)
	got := []demoCalls{
		m.measure(began.Add(10*time.Second), counts(10, 40, 0)),
		m.measure(began.Add(60*time.Second), counts(60, 40, 0)),
		m.measure(began.Add(70*time.Second), counts(70, 40, 2)),
	}
	want := []demoCalls{
		{window: 10 * time.Second, calls: 50, busiest: awssim.TaskDefinitionRead, share: 40. / 250},
		{window: 60 * time.Second, calls: 100, busiest: awssim.ClusterResourceRead, share: 60. / 1300},
		{window: 60 * time.Second, calls: 60, throttled: 2, busiest: awssim.ClusterResourceRead, share: 60. / 1300},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(demoCalls{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDemoChanged(t *testing.T) {
	target := func(job, tier string) activeTarget {
		return activeTarget{Labels: map[string]string{"job": job, "tier": tier}}
	}
	before := map[string]activeTarget{"1": target("web", "a"), "2": target("web", "a"), "3": target("cart", "a")}
	after := map[string]activeTarget{"1": target("web", "b"), "3": target("cart", "a"), "4": target("cart", "a"), "5": target("web", "a")}
	if got, want := changed(before, after), "cart +1, web +1 -1 1 relabelled"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := changed(after, after); got != "" {
		t.Errorf("no change is %q", got)
	}
}

func TestDemoLine(t *testing.T) {
	line := demoLine{{bold, "one "}, {plain, "twö "}, {red, "three"}}
	tests := []struct {
		width  int
		colour bool
		want   string
	}{
		{0, false, "one twö three"},
		{13, false, "one twö three"},
		{12, false, "one twö thr…"},
		{6, false, "one t…"},
		{6, true, "\x1b[1mone \x1b[0mt…"},
	}
	for _, test := range tests {
		if got := line.render(test.width, test.colour); got != test.want {
			t.Errorf("width %d: %q, want %q", test.width, got, test.want)
		}
	}
}

func TestDemoProblem(t *testing.T) {
	s := demoStanding{state: "degraded", objects: 9, refused: 2, kept: 1, problem: "applications.yaml:11:3: spec.endpoints: required, and missing"}
	var got []string
	for _, line := range s.specsLines(50) {
		got = append(got, line.render(0, false))
	}
	want := []string{
		"specs     2 of 9 objects refused; served as last valid: 1, left out: 1",
		"          applications.yaml:11:3:",
		"          spec.endpoints: required, and missing",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
