package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/inventory"
)

// configWith is a PrometheusConfig with this in its spec.
func configWith(body string) string {
	return strings.Replace(bareConfig, "spec: {}\n", "spec:\n"+body, 1)
}

// one plans a single task "t1" at 10.0.0.1 with the object "web", and gives the
// labels of its only target, "" where there is none, and the findings.
func one(t *testing.T, config, body string) (string, []string) {
	t.Helper()
	p := build(t, &everything().Snapshot, nil, config, scrapeTarget("web", "  selector: {services: [web]}\n  endpoints: [{port: metrics}]\n"+body))
	found := ""
	for _, pool := range p.Bundle.Pools {
		for _, target := range pool.Targets {
			found += target.Labels.String()
		}
	}
	messages := []string{}
	for _, f := range p.Findings {
		messages = append(messages, f.Code+": "+f.Message)
	}
	return found, messages
}

func TestLabelsOfATarget(t *testing.T) {
	const fixed = `__address__="10.0.0.1:9090", __metrics_path__="/metrics", __scheme__="http", __scrape_interval__="1m", __scrape_timeout__="10s", `
	defaults := func(more string) string {
		return `{` + fixed + `ecs_cluster="prod", ecs_container="app", ecs_service="web", ecs_task_family="web", ecs_task_id="t1", ` + more + `}`
	}
	tests := []struct{ name, body, want string }{
		{"by default", "", defaults(`instance="10.0.0.1:9090", job="web"`)},
		{"jobName", "  jobName: shop\n", defaults(`instance="10.0.0.1:9090", job="shop"`)},
		{
			"labels drop and replace", "  labels: {ecs_cluster: '', ecs_container: x, ecs_service: '', ecs_task_family: '', ecs_task_id: ''}\n",
			`{` + fixed + `ecs_container="x", instance="10.0.0.1:9090", job="web"}`,
		},
		{
			"labelsFrom wins where it has a value",
			`  labels: {cost: none, gone: kept, ecs_cluster: ''}
  labelsFrom:
    cost: {taskTag: Cost Center}
    gone: {taskTag: nothing}
    team: {serviceTag: team}
    version: {dockerLabel: app.version}
    stage: {environment: STAGE}
    vpc: {meta: __meta_ecs_vpc_id}
    stage2: {meta: __meta_ecs_tag_cluster_stage}
    ecs_cluster: {meta: __meta_ecs_task_revision}
    nothing: {meta: __meta_ecs_tag_cluster_none}
`,
			`{` + fixed + `cost="7", ecs_cluster="1", ecs_container="app", ecs_service="web", ecs_task_family="web", ecs_task_id="t1", gone="kept", instance="10.0.0.1:9090", job="web", stage="live", stage2="live", team="shop", version="1.2", vpc="vpc-1"}`,
		},
		{
			"rules see what Prometheus would start from, and instance comes after them",
			`  relabelConfigs:
  - {source_labels: [__meta_ecs_ip_address], regex: (.+), target_label: __address__, replacement: "$1:1234"}
  - {source_labels: [__scheme__, __metrics_path__, __scrape_interval__, __scrape_timeout__, job, instance, __scrape_native_histograms__], target_label: seen}
  - {source_labels: [ecs_task_id], target_label: __tmp_x}
  - {source_labels: [__tmp_x, __meta_ecs_health_status], target_label: both}
  - {regex: "__meta_ecs_tag_task_(.+)", action: labelmap}
  - {regex: "ecs_.+", action: labeldrop}
`,
			`{Cost_Center="7", __address__="10.0.0.1:1234", __metrics_path__="/metrics", __scheme__="http", __scrape_interval__="1m", __scrape_timeout__="10s", aws_x="y", both="t1;HEALTHY", instance="10.0.0.1:1234", job="web", seen="http;/metrics;1m;10s;web;;false"}`,
		},
		{
			"a rule may set instance and what Prometheus would set by itself",
			`  relabelConfigs:
  - {target_label: instance, replacement: me}
  - {target_label: __scrape_native_histograms__, replacement: "true"}
  - {target_label: __param_x, replacement: "1"}
`,
			`{__address__="10.0.0.1:9090", __metrics_path__="/metrics", __param_x="1", __scheme__="http", __scrape_interval__="1m", __scrape_native_histograms__="true", __scrape_timeout__="10s", ` +
				`ecs_cluster="prod", ecs_container="app", ecs_service="web", ecs_task_family="web", ecs_task_id="t1", instance="me", job="web"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, findings := one(t, bareConfig, tt.body)
			if diff := cmp.Diff(tt.want, got); diff != "" || len(findings) > 0 {
				t.Errorf("%v (-want +got):\n%s", findings, diff)
			}
		})
	}
}

func TestParamsTravelAsLabels(t *testing.T) {
	body := "  selector: {services: [web]}\n  endpoints: [{port: metrics, params: {module: [http], x: [own]}}]\n" +
		"  scrapeConfig: {params: {x: [pool], y: [pool]}}\n  relabelConfigs: [{source_labels: [__param_module, __param_x, __param_y], target_label: seen}]\n"
	p := build(t, &everything().Snapshot, nil, bareConfig, scrapeTarget("web", body))
	l := p.Bundle.Pools[1].Targets[0].Labels
	got := []string{l.Get("__param_module"), l.Get("__param_x"), l.Get("__param_y"), l.Get("seen"), l.Get(PoolLabel)}
	if diff := cmp.Diff([]string{"http", "own", "", "http;own;pool", "web"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWithheldTargets(t *testing.T) {
	rules := func(rules ...string) string { return "  relabelConfigs: [" + strings.Join(rules, ", ") + "]\n" }
	replace := func(label, value string) string {
		return rules(fmt.Sprintf("{target_label: %s, replacement: %q}", label, value))
	}
	const (
		secret   = "  scrapeClasses: [{name: default, scrapeConfig: {basic_auth: {username: u, password: p}}}]\n"
		allowed  = "  scrapeClasses: [{name: default, allowRetarget: true, scrapeConfig: {basic_auth: {username: u, password: p}}}]\n"
		modern   = "  prometheus: {version: '3.15'}\n"
		legacy   = modern + "  config: {global: {metric_name_validation_scheme: legacy}}\n"
		moved    = `retarget-refused: scrape class "default" has credentials, and the target's address is not the one that was discovered: take a class without credentials, or set allowRetarget in this one`
		digit    = "  relabelConfigs: [{action: labelmap, regex: '__meta_ecs_ec(2_instance_id)'}]\n"
		odd      = `illegal-label: label name "2_instance_id" is not [a-zA-Z_][a-zA-Z0-9_]*, and metric_name_validation_scheme is legacy: rename the label, or mend that`
		shortest = "  enforced: {min_interval: 2m}\n"
	)
	tests := []struct {
		name, config, body string
		want               string // findings
		kept               bool
	}{
		{"no port", "", replace("__address__", "10.0.0.1"), "invalid-target: its address has no port, or an IPv6 address has no brackets: it must be host:port", false},
		{"no brackets", "", replace("__address__", "2001:db8::1"), "invalid-target: its address has no port, or an IPv6 address has no brackets: it must be host:port", false},
		{"no host", "", replace("__address__", ":80"), "invalid-target: its address has no host: it must be host:port", false},
		{"a space", "", replace("__address__", "a b:80"), "invalid-target: its address has a space in it", false},
		{"no address", "", replace("__address__", ""), "invalid-target: relabelConfigs leave it without an address", false},
		{"port too high", "", replace("__address__", "a:99999"), `invalid-target: port "99999" is not a number from 1 to 65535`, false},
		{"port zero", "", replace("__address__", "a:0"), "invalid-target: port 0 cannot be connected to", false},
		{"a path in it", "", replace("__address__", "a/b:80"), `invalid-target: Prometheus refuses it: "a/b:80" is not a valid hostname`, false},
		{"scheme", "", replace("__scheme__", "ftp"), `invalid-target: scheme "ftp" is neither http nor https`, false},
		{"path", "", replace("__metrics_path__", "metrics"), `invalid-target: metrics path "metrics" does not begin with a slash`, false},
		{"a query in the path", "", replace("__metrics_path__", "/probe?module=http"), `invalid-target: metrics path "/probe?module=http" has a ?, a # or a blank in it, which Prometheus escapes: leave it out, and give parameters as params of the endpoint`, false},
		{"no job", "", replace("job", ""), "invalid-target: relabelConfigs leave it without the label job, which Prometheus would fill by itself: keep it", false},
		{"no interval", "", replace("__scrape_interval__", ""), "invalid-target: relabelConfigs leave it without the label __scrape_interval__, which Prometheus would fill by itself: keep it", false},
		{"timeout above the interval", "", replace("__scrape_interval__", "5s"), `invalid-target: Prometheus refuses it: scrape timeout cannot be greater than scrape interval ("10s" > "5s")`, false},

		{"shorter than allowed", shortest, "", "interval-raised: an interval of 1m is raised to 2m, the PrometheusConfig's spec.enforced.min_interval: ask for no shorter one", true},
		{"shorter by a rule", shortest, "  scrapeConfig: {scrape_interval: 5m}\n" + replace("__scrape_interval__", "30s"), "interval-raised: an interval of 30s is raised to 2m, the PrometheusConfig's spec.enforced.min_interval: ask for no shorter one", true},
		{"long enough", shortest, "  scrapeConfig: {scrape_interval: 5m}\n", "", true},

		{"moved with credentials", secret, replace("__address__", "evil:80"), moved, false},
		{"moved, allowed", allowed, replace("__address__", "other:80"), "", true},
		{"moved without credentials", "", replace("__address__", "other:80"), "", true},
		{"another scheme", secret, replace("__scheme__", "https"), `retarget-refused: scrape class "default" has credentials, and its scheme is http, not https: take a class without credentials, or set allowRetarget in this one`, false},
		{"where it was found", secret, replace("x", "y"), "", true},
		{"moved in a pool of its own", secret, "  scrapeConfig: {sample_limit: 5}\n" + replace("__address__", "evil:80"), moved, false},

		{"odd name, unknown version", "", replace("a.b", "x"), `illegal-label: label name "a.b" is not [a-zA-Z_][a-zA-Z0-9_]*, and spec.prometheus.version of PrometheusConfig/main does not say which this one is: rename the label, or mend that`, false},
		{"odd name, version 3", modern, replace("a.b", "x"), "", true},
		{"odd name by a regular expression, legacy pool", modern, "  scrapeConfig: {metric_name_validation_scheme: legacy, metric_name_escaping_scheme: underscores}\n" + digit, odd, false},
		{"odd name by a regular expression, all legacy", legacy, digit, odd, false},
		{"odd name by a regular expression, legacy but for the pool", legacy, "  scrapeConfig: {metric_name_validation_scheme: utf8}\n" + digit, "", true},
		{"the same where names are free", modern, digit, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := bareConfig
			if tt.config != "" {
				config = configWith(tt.config)
			}
			target, findings := one(t, config, tt.body)
			if diff := cmp.Diff(tt.want, strings.Join(findings, "\n")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if kept := target != ""; kept != tt.kept {
				t.Errorf("published %v, want %v: %s", kept, tt.kept, target)
			}
		})
	}
}

func TestWithheldAreCounted(t *testing.T) {
	w := everything()
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", "  selector: {}\n  endpoints: [{port: metrics}]\n  relabelConfigs: [{target_label: a.b, replacement: x}]\n"))
	if p.Withheld["web"] != 2 || p.Targets["web"] != 0 || len(p.Findings) != 1 || p.Findings[0].Tasks != 2 {
		t.Errorf("withheld %v, targets %v, findings %v", p.Withheld, p.Targets, p.Findings)
	}
}

// TestRequestOfAConvention: what a container's own words ask for is less than
// what the object says, and takes no credentials elsewhere.
func TestRequestOfAConvention(t *testing.T) {
	w := everything()
	want := &request{bare: true, job: "told", host: "metrics.internal", scheme: "https", path: "/m"}
	target := func(main, body string) (string, string) {
		in := input(t, &w.Snapshot, nil, main, scrapeTarget("web", "  selector: {}\n  endpoints: [{port: metrics}]\n"+body))
		r := &run{in: in, defaults: in.Choice.defaultLabels(in.Sources), settings: map[string]*config.ScrapeConfig{}}
		for _, sc := range in.Config.ScrapeConfigs {
			r.settings[sc.JobName] = sc
		}
		pool := classPool("default")
		b, err := r.newBuilder(in.Choice.Targets[0], pool, r.settings[pool.Name])
		if err != nil {
			t.Fatal(err)
		}
		load := &workload{task: w.Tasks[0], definition: w.Definitions[w.Tasks[0].Definition]}
		load.selected = []*inventory.ContainerDefinition{&load.definition.Containers[0]}
		endpoints, faults := load.resolve(&request{port: decode(t, scrapeTarget("x", "  selector: {}\n  endpoints: [{port: metrics}]\n"))[0].ScrapeTarget.Endpoints[0].Port, host: want.host})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		got, f := b.target(load, endpoints[0], want)
		if f != nil {
			return "", f.code
		}
		return got.Labels.String(), ""
	}
	const fixed = `{__address__="metrics.internal:9090", __metrics_path__="/m", __scheme__="https", __scrape_interval__="1m", __scrape_timeout__="10s", `
	for _, tt := range []struct{ name, config, body, want, code string }{
		{"bare", bareConfig, "", fixed + `instance="metrics.internal:9090", job="told"}`, ""},
		{"with labels", bareConfig, "  jobName: mine\n  labels: {a: b}\n", fixed + `a="b", instance="metrics.internal:9090", job="mine"}`, ""},
		{"with credentials", configWith("  scrapeClasses: [{name: default, scrapeConfig: {scheme: https, basic_auth: {username: u, password: p}}}]\n"), "", "", CodeRetarget},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, code := target(tt.config, tt.body); got != tt.want || code != tt.code {
				t.Errorf("got %s %s, want %s %s", got, code, tt.want, tt.code)
			}
		})
	}
}

// TestRaisedInterval: the interval is the least that is allowed, and an inherited
// timeout stays.
func TestRaisedInterval(t *testing.T) {
	got, _ := one(t, configWith("  enforced: {min_interval: 2m}\n"), "")
	if !strings.Contains(got, `__scrape_interval__="2m", __scrape_timeout__="10s"`) {
		t.Error(got)
	}
}

func TestDroppedTargets(t *testing.T) {
	w := everything()
	body := `  selector: {}
  endpoints: [{port: metrics}]
  relabelConfigs:
  - {source_labels: [job], target_label: x}
  - {source_labels: [__meta_ecs_network_mode], regex: bridge, action: DROP}
`
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", body))
	if len(p.Findings) > 0 || p.Targets["web"] != 1 || p.Dropped["web"] != 1 {
		t.Errorf("findings %v, targets %v, dropped %v", p.Findings, p.Targets, p.Dropped)
	}
	rules, err := compileRules(decode(t, scrapeTarget("web", body))[0].ScrapeTarget.RelabelConfigs.Node, model.UTF8Validation)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rules[1].dropped.message, "spec.relabelConfigs[1], action drop, drops it"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

// TestEnvironmentLabel: an override wins.
func TestEnvironmentLabel(t *testing.T) {
	w := everything()
	w.Tasks[0].Environment = map[string]map[string]string{"app": {"STAGE": "override"}}
	p := build(t, &w.Snapshot, nil, bareConfig, scrapeTarget("web", "  selector: {}\n  endpoints: [{port: metrics}]\n  labelsFrom: {stage: {environment: STAGE}}\n"))
	got := map[string]string{}
	for _, target := range p.Bundle.Pools[0].Targets {
		got[target.Labels.Get("ecs_task_id")] = target.Labels.Get("stage")
	}
	if diff := cmp.Diff(map[string]string{"t1": "override", "t2": "live"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLabelmapTwins: of two labels that labelmap gives one name the last by name
// stands, always.
func TestLabelmapTwins(t *testing.T) {
	body := "  labels: {y_a: '1', y_b: '2', y_c: '3', y_d: '4', y_e: '5'}\n  relabelConfigs: [{action: labelmap, regex: y_., replacement: z}, {action: labeldrop, regex: y_.}]\n"
	for range 20 {
		if got, _ := one(t, bareConfig, body); !strings.HasSuffix(got, `, z="5"}`) {
			t.Fatal(got)
		}
	}
}

// TestSanitisedTwins: of two tags that are one label the same one always stands.
func TestSanitisedTwins(t *testing.T) {
	for range 20 {
		w := newWriter(t, "{source_labels: [__meta_ecs_tag_task_a_b], target_label: x}")
		lb := labels.NewBuilder(labels.EmptyLabels())
		s := &subject{workload: &workload{task: &inventory.Task{Tags: map[string]string{"a b": "1", "a.b": "2", "a_b": "3", "a-b": "4"}}, definition: &inventory.Definition{}}}
		w.write(lb, s)
		if got := lb.Labels().String(); got != `{__meta_ecs_tag_task_a_b="3"}` || w.meta("__meta_ecs_tag_task_a_b", s) != "3" {
			t.Fatal(got)
		}
	}
}

func newWriter(t *testing.T, rule string) *metaWriter {
	t.Helper()
	o := decode(t, scrapeTarget("x", "  selector: {}\n  endpoints: [{port: 1}]\n  relabelConfigs: ["+rule+"]\n"))[0]
	return newMetaWriter(readsOf(o.ScrapeTarget))
}
