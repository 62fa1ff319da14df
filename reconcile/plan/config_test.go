package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/promslog"
	promconfig "github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

func prometheusConfig(body string) string {
	return "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec:\n" + body
}

// rendered is prometheus.yml for some documents, as nodes and as text.
func rendered(t *testing.T, docs ...string) (root map[string]yaml.Node, text string) {
	t.Helper()
	return renderedObjects(t, decode(t, docs...))
}

func renderedObjects(t *testing.T, objects []*spec.Object) (root map[string]yaml.Node, text string) {
	t.Helper()
	choice, err := Choose(objects, "")
	if err != nil {
		t.Fatal(err)
	}
	files, err := choice.Render()
	if err != nil {
		t.Fatal(err)
	}
	text = string(files[artifact.ConfigFile])
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	return root, text
}

// job is a job of the rendered configuration.
func job(t *testing.T, root map[string]yaml.Node, name string) *yaml.Node {
	t.Helper()
	jobs := root["scrape_configs"]
	for _, j := range jobs.Content {
		if spec.Field(j, "job_name").Value == name {
			return j
		}
	}
	t.Fatalf("no job %s", name)
	return nil
}

func valueAt(n *yaml.Node) string {
	if n == nil {
		return "absent"
	}
	return n.Value
}

// TestEnforced is the rule of limits: the lower holds, and 0 or absent is none.
func TestEnforced(t *testing.T) {
	for _, tt := range []struct {
		name, enforced, global, class, own string
		wantClass, wantOwn                 string
	}{
		{"enforced alone", "5", "0", "0", "0", "5", "5"},
		{"asked for alone", "0", "0", "5", "5", "5", "5"},
		{"neither", "0", "0", "0", "0", "absent", "absent"},
		{"less enforced", "5", "0", "9", "9", "5", "5"},
		{"more enforced", "9", "0", "5", "4", "5", "4"},
		{"of class and object the lower, enforced above", "9", "0", "4", "7", "4", "4"},
		{"the global one is lower, and is not raised", "9", "3", "0", "0", "absent", "absent"},
		{"the global one is higher", "5", "9", "0", "0", "5", "5"},
		{"spelt with a separator", "5", "0", "0x9", "1_000", "5", "5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			docs := []string{
				prometheusConfig(fmt.Sprintf("  enforced: {sample_limit: %s, label_limit: %s}\n", tt.enforced, tt.enforced) +
					fmt.Sprintf("  config:\n    global: {sample_limit: %s, label_limit: %s}\n    scrape_configs: [{job_name: mine, sample_limit: 99}]\n", tt.global, tt.global) +
					fmt.Sprintf("  scrapeClasses: [{name: default, scrapeConfig: {sample_limit: %s}}]\n", tt.class)),
				scrapeTarget("own", fmt.Sprintf("  selector: {}\n  endpoints: [{port: 1}]\n  scrapeConfig: {sample_limit: %s, honor_labels: true}\n", tt.own)),
			}
			root, _ := rendered(t, docs...)
			if got := valueAt(spec.Field(job(t, root, "ecs-scrape/class/default"), "sample_limit")); got != tt.wantClass {
				t.Errorf("of the class %s, want %s", got, tt.wantClass)
			}
			if got := valueAt(spec.Field(job(t, root, "ecs-scrape/target/own"), "sample_limit")); got != tt.wantOwn {
				t.Errorf("of the object %s, want %s", got, tt.wantOwn)
			}
			if got := valueAt(spec.Field(job(t, root, "mine"), "sample_limit")); got != "99" {
				t.Errorf("of the user's own job %s, want 99", got)
			}
			if got := spec.Field(job(t, root, "ecs-scrape/self/prometheus"), "sample_limit"); got != nil {
				t.Errorf("of Prometheus's own job %s, want none", got.Value)
			}
		})
	}
}

func TestEnforcedSize(t *testing.T) {
	for _, tt := range []struct{ enforced, class, want string }{
		{"10MB", "1GB", "10MB"},
		{"10MB", "1MB", "1MB"},
		{"10MB", "0", "10MB"},
		{"0", "1GB", "1GB"},
	} {
		root, _ := rendered(t, prometheusConfig("  enforced: {body_size_limit: "+tt.enforced+"}\n  scrapeClasses: [{name: default, scrapeConfig: {body_size_limit: "+tt.class+"}}]\n"))
		if got := valueAt(spec.Field(job(t, root, "ecs-scrape/class/default"), "body_size_limit")); got != tt.want {
			t.Errorf("enforced %s, class %s: %s, want %s", tt.enforced, tt.class, got, tt.want)
		}
	}
}

func messages(p *Plan) []string {
	var out []string
	for _, f := range p.Findings {
		out = append(out, f.Object.String()+" "+f.Code+" "+f.Message)
	}
	return out
}

func TestLoweredLimitIsAFinding(t *testing.T) {
	w := newWorld()
	p := build(t, &w.Snapshot, nil,
		prometheusConfig("  enforced: {label_limit: 5}\n  scrapeClasses: [{name: default, scrapeConfig: {sample_limit: 100}}]\n"),
		scrapeTarget("more", "  selector: {}\n  endpoints: [{port: 1}]\n  scrapeConfig: {sample_limit: 200, label_limit: 6}\n"),
		scrapeTarget("less", "  selector: {}\n  endpoints: [{port: 1}]\n  scrapeConfig: {sample_limit: 100, label_limit: 0}\n"))
	want := []string{
		`ScrapeTarget/more limit-lowered spec.scrapeConfig.label_limit is 6, and spec.enforced of PrometheusConfig/main allows 5: ask for no more, or have the operator raise it`,
		`ScrapeTarget/more limit-lowered spec.scrapeConfig.sample_limit is 200, and scrape class "default" allows 100: ask for no more, or have the operator raise it`,
	}
	if diff := cmp.Diff(want, messages(p)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	const class = "  scrapeClasses:\n  - {name: gold, scrapeConfig: {basic_auth: {username: a, password_file: /p}, proxy_url: 'http://p:1'}}\n"
	const uses = "  selector: {}\n  scrapeClass: gold\n"
	const ports = "  endpoints: [{port: 1}]\n"
	elsewhere := func(place, path, value string) []string {
		return []string{"test.yaml:" + place + ": " + path + `: refused: scrape class "gold" has credentials, and ` + value +
			" would send them elsewhere than it says; remove the field, or have the operator set allowRetarget in the class"}
	}
	for _, tt := range []struct {
		name, config, target string
		want                 []string
	}{
		{"nothing", class, uses + ports, nil},
		{
			"unknown class", "  selfScrape: true\n", uses + ports,
			[]string{`test.yaml:6:16: spec.scrapeClass: PrometheusConfig/main declares no scrape class "gold", but default: declare it in spec.scrapeClasses or name one of these`},
		},
		{
			"not for it", "  scrapeClasses: [{name: gold, allowedFor: {matchLabels: {team: shop}}}]\n", uses + ports,
			[]string{`test.yaml:6:16: spec.scrapeClass: scrape class "gold" is only for objects whose metadata.labels match team=shop; name another class, or have the operator widen allowedFor in PrometheusConfig/main`},
		},
		{"for it", "  scrapeClasses: [{name: gold, allowedFor: {matchExpressions: [{key: team, operator: DoesNotExist}]}}]\n", uses + ports, nil},
		{"proxy", class, uses + ports + "  scrapeConfig: {proxy_url: 'http://q:1'}\n", elsewhere("8:29", "spec.scrapeConfig.proxy_url", "proxy_url")},
		{"the class's own proxy", class, uses + ports + "  scrapeConfig: {proxy_url: 'http://p:1'}\n", nil},
		{"no proxy", class, uses + ports + "  scrapeConfig: {no_proxy: x}\n", elsewhere("8:28", "spec.scrapeConfig.no_proxy", "no_proxy")},
		{"proxy of the environment", class, uses + ports + "  scrapeConfig: {proxy_from_environment: true}\n", elsewhere("8:42", "spec.scrapeConfig.proxy_from_environment", "proxy_from_environment")},
		{"headers", class, uses + ports + "  scrapeConfig: {http_headers: {Host: {values: [x]}}}\n", elsewhere("8:32", "spec.scrapeConfig.http_headers", "http_headers")},
		{"scheme", class, uses + ports + "  scrapeConfig: {scheme: https}\n", elsewhere("8:26", "spec.scrapeConfig.scheme", "scheme")},
		{"TLS", class, uses + ports + "  scrapeConfig: {tls_config: {insecure_skip_verify: true}}\n", elsewhere("8:30", "spec.scrapeConfig.tls_config", "tls_config")},
		{"TLS as in the class", strings.Replace(class, "proxy_url", "tls_config: {server_name: a}, proxy_url", 1), uses + ports + "  scrapeConfig: {tls_config: {server_name: a}}\n", nil},
		{"redirects", strings.Replace(class, "proxy_url", "follow_redirects: false, proxy_url", 1), uses + ports + "  scrapeConfig: {follow_redirects: true}\n", elsewhere("8:36", "spec.scrapeConfig.follow_redirects", "follow_redirects")},
		{"redirects are followed anyway", class, uses + ports + "  scrapeConfig: {follow_redirects: true}\n", nil},
		{"the same scheme", class, uses + "  endpoints: [{port: 1, scheme: http}]\n  scrapeConfig: {scheme: http}\n", nil},
		{"scheme of an endpoint", class, uses + "  endpoints: [{port: 1}, {port: 2, scheme: https}]\n", elsewhere("7:44", "spec.endpoints[1].scheme", "scheme https")},
		{"allowed", strings.Replace(class, "gold,", "gold, allowRetarget: true,", 1), uses + "  endpoints: [{port: 1, scheme: https}]\n  scrapeConfig: {no_proxy: x}\n", nil},
		{"no credentials", "  scrapeClasses: [{name: gold, scrapeConfig: {sample_limit: 1, tls_config: {ca_file: /ca}}}]\n", uses + ports + "  scrapeConfig: {proxy_url: 'http://q:1', scheme: https}\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := decode(t, prometheusConfig(tt.config))[0]
			o := decode(t, scrapeTarget("x", tt.target))[0]
			var got []string
			for _, p := range Refused(config, o) {
				if p.Object != o.ID {
					t.Errorf("a problem of %v", p.Object)
				}
				got = append(got, p.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	for text, want := range map[string]bool{
		"{sample_limit: 5}":         false,
		"{basic_auth: {}}":          true,
		"{authorization: {}}":       true,
		"{oauth2: {}}":              true,
		"{bearer_token: x}":         true,
		"{bearer_token_file: /x}":   true,
		"{sigv4: {}}":               true,
		"{proxy_url: 'http://p'}":   false,
		"{proxy_url: 'http://u@p'}": true,
		"{tls_config: {ca_file: /x, insecure_skip_verify: true}}":    false,
		"{tls_config: {cert_file: /x, key_file: /y}}":                true,
		"{http_headers: {A: {values: [x]}}}":                         false,
		"{http_headers: {A: {values: [x]}, B: {secrets: [x]}}}":      true,
		"{http_headers: {A: {files: [/x]}}}":                         true,
		"{proxy_connect_header: {Proxy-Authorization: [something]}}": true,
	} {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		if got := hasCredentials(n.Content[0]); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// TestLabelNames: one label name that Prometheus does not take costs it the whole
// target file.
func TestLabelNames(t *testing.T) {
	for _, tt := range []struct{ name, config, scrapeConfig, want string }{
		{"version 3", "  prometheus: {version: '3.0'}\n", "", ""},
		{"version 10", "  prometheus: {version: '10.0'}\n", "", ""},
		{"version 2", "  prometheus: {version: 2.53.1}\n", "", "spec.prometheus.version of PrometheusConfig/main is 2.53.1"},
		{"no version", "  selfScrape: true\n", "", "spec.prometheus.version of PrometheusConfig/main does not say which this one is"},
		{"legacy", "  prometheus: {version: '3.15'}\n  config: {global: {metric_name_validation_scheme: legacy}}\n", "", "metric_name_validation_scheme is legacy"},
		{
			"legacy class", "  prometheus: {version: '3.15'}\n  scrapeClasses: [{name: default, scrapeConfig: {metric_name_validation_scheme: legacy}}]\n", "",
			"metric_name_validation_scheme is legacy",
		},
		{
			"not of the object", "  prometheus: {version: '3.15'}\n  config: {global: {metric_name_validation_scheme: legacy}}\n",
			"  scrapeConfig: {metric_name_validation_scheme: utf8}\n", "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := decode(t, prometheusConfig(tt.config))[0]
			o := decode(t, scrapeTarget("x", "  selector: {}\n  endpoints: [{port: 1}]\n  labels: {team: a}\n"+tt.scrapeConfig))[0]
			if got := Refused(config, o); len(got) != 0 {
				t.Errorf("plain names: %v", got)
			}
			o.ScrapeTarget.Labels["cost.center"] = "x"
			o.ScrapeTarget.LabelsFrom = map[string]spec.LabelSource{"app/version": {DockerLabel: "v"}}
			var got, want []string
			for _, p := range Refused(config, o) {
				got = append(got, p.Error())
			}
			if tt.want != "" {
				want = []string{
					`test.yaml:7:11: spec.labels["cost.center"]: "cost.center" is a label name for Prometheus 3 and UTF-8 names only, and ` + tt.want + `; use letters, digits and underscores [illegal-label]`,
					`test.yaml:5:3: spec.labelsFrom["app/version"]: "app/version" is a label name for Prometheus 3 and UTF-8 names only, and ` + tt.want + `; use letters, digits and underscores [illegal-label]`,
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestAgent(t *testing.T) {
	agent := func(config string) []string {
		o := decode(t, prometheusConfig("  prometheus: {agent: true}\n"+config))[0]
		var got []string
		for _, p := range Refused(nil, o) {
			got = append(got, p.Path)
		}
		return got
	}
	const writes = "  config: {remote_write: [{url: 'http://x'}]}\n"
	for config, want := range map[string][]string{
		writes: nil,
		"  config: {remote_write: [{url: 'http://x'}], alerting: {}, remote_read: []}\n": nil,
		"  config: {}\n": {"spec.config.remote_write"},
		"  config: {remote_write: [{url: 'http://x'}], alerting: {alert_relabel_configs: [{action: drop}]}}\n": {"spec.config.alerting"},
		"  config: {remote_write: [{url: 'http://x'}], remote_read: [{url: 'http://x'}]}\n":                    {"spec.config.remote_read"},
		"  alertmanagers: [{name: a, selector: {}, port: 9093}]\n" + writes:                                    {"spec.alertmanagers"},
	} {
		if diff := cmp.Diff(want, agent(config)); diff != "" {
			t.Errorf("%s-want +got\n%s", config, diff)
		}
	}
	rule := "apiVersion: ecs-scrape/v1\nkind: PrometheusRule\nmetadata: {name: r}\nspec: {groups: []}\n"
	config := prometheusConfig("  prometheus: {agent: true}\n" + writes)
	if _, text := rendered(t, config, rule); strings.Contains(text, "rule_files") {
		t.Errorf("an agent does not start with this:\n%s", text)
	}
	w := newWorld()
	p := build(t, &w.Snapshot, nil, config, rule)
	if len(p.Bundle.Config) != 1 {
		t.Errorf("files %v", p.Bundle.Config.Paths())
	}
	objects := decode(t, config, rule)
	files, err := Probe(objects[0], objects[1])
	if err != nil || files["rules/r.yml"] == nil {
		t.Errorf("the rule is not judged: %v %v", files.Paths(), err)
	}
}

const withAlertmanagers = `  config:
    alerting:
      alert_relabel_configs: [{action: labeldrop, regex: replica}]
      alertmanagers: [{static_configs: [{targets: ["mine:9093"]}]}]
  alertmanagers:
  - name: shop
    selector: {services: [alertmanager]}
    port: web
    config: {scheme: https, path_prefix: /am}
`

func TestAlertmanagersAreRendered(t *testing.T) {
	_, text := rendered(t, prometheusConfig(withAlertmanagers))
	want := `alerting:
  alert_relabel_configs: [{action: labeldrop, regex: replica}]
  alertmanagers:
    - {static_configs: [{targets: ["mine:9093"]}]}
    - scheme: https
      path_prefix: /am
      file_sd_configs:
        - files:
            - ../targets/alertmanager/shop/targets.json
          refresh_interval: 30s
`
	if !strings.Contains(text, want) || strings.Contains(text, "ecs-scrape/alertmanager") {
		t.Errorf("rendered:\n%s", text)
	}
	for _, config := range []string{"  config: {alerting: }\n", "  config: {global: {scrape_interval: 1s}}\n", "  config: {alerting: {alertmanagers: }}\n"} {
		root, text := rendered(t, prometheusConfig(config+"  alertmanagers: [{name: a, selector: {}, port: 9093}]\n"))
		alerting := root["alerting"]
		if n := spec.Field(&alerting, "alertmanagers"); n == nil || len(n.Content) != 1 || strings.Count(text, "alerting:") != 1 {
			t.Errorf("%srendered:\n%s", config, text)
		}
	}
}

func alertmanagers(p *Plan) []string {
	var out []string
	for _, pool := range p.Bundle.Pools {
		if pool.Path == "targets/alertmanager/shop/targets.json" {
			for _, t := range pool.Targets {
				out = append(out, t.Labels.String()+" "+t.Origin.Task)
			}
		}
	}
	return out
}

func TestAlertmanagersAreFound(t *testing.T) {
	w := newWorld()
	def := w.define("am", "awsvpc", container("am", port("web", 9093)), container("sidecar", port("web", 9093)))
	w.run("t2", "alertmanager", def, at("10.0.0.2"))
	w.run("t1", "alertmanager", def, at("10.0.0.1"))
	w.run("t3", "shop", def, at("10.0.0.3"))
	config := prometheusConfig(withAlertmanagers)
	p := build(t, &w.Snapshot, nil, config)
	want := []string{`{__address__="10.0.0.1:9093"} t1`, `{__address__="10.0.0.2:9093"} t2`}
	if diff := cmp.Diff(want, alertmanagers(p)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(p.Findings) != 0 || len(p.Targets) != 0 {
		t.Errorf("findings %v, targets %v", p.Findings, p.Targets)
	}
	for range 5 {
		rand.Shuffle(len(w.Tasks), func(i, j int) { w.Tasks[i], w.Tasks[j] = w.Tasks[j], w.Tasks[i] })
		if diff := cmp.Diff(want, alertmanagers(build(t, &w.Snapshot, nil, config))); diff != "" {
			t.Errorf("in another order: -want +got\n%s", diff)
		}
	}

	unsynced := newWorld()
	unsynced.Scopes[0].State = inventory.Unsynced
	held := build(t, &unsynced.Snapshot, p.Bundle.Pools, config)
	if diff := cmp.Diff(want, alertmanagers(held)); diff != "" || held.Held != 2 {
		t.Errorf("before the cluster is read: %d held, -want +got\n%s", held.Held, diff)
	}
	gone := build(t, &newWorld().Snapshot, p.Bundle.Pools, config)
	if got := alertmanagers(gone); got != nil || gone.Held != 0 {
		t.Errorf("when they have stopped: %v", got)
	}
	other := build(t, &unsynced.Snapshot, p.Bundle.Pools, strings.Replace(config, "name: shop", "name: other", 1))
	if got := addresses(other); len(got) != 0 {
		t.Errorf("when they are no longer declared: %v", got)
	}
}

func TestAlertmanagerFindings(t *testing.T) {
	w := newWorld()
	w.run("t1", "alertmanager", w.define("am", "awsvpc", container("am", port("http", 9093))), at("10.0.0.1"))
	published := build(t, &w.Snapshot, nil, prometheusConfig(strings.Replace(withAlertmanagers, "port: web", "port: http", 1))).Bundle.Pools
	p := build(t, &w.Snapshot, nil, prometheusConfig(withAlertmanagers))
	want := []string{`PrometheusConfig/main no-such-port alertmanagers, shop: no TCP port mapping is named "web": name one in the task definition's portMappings, or give the container port as a number`}
	if diff := cmp.Diff(want, messages(p)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	clear(w.Definitions)
	p = build(t, &w.Snapshot, published, prometheusConfig(withAlertmanagers))
	if got := alertmanagers(p); len(got) != 1 || !slices.Equal(codes(p), []string{"no-task-definition "}) {
		t.Errorf("a task whose definition cannot be told: %v, %v", got, codes(p))
	}
}

// TestNoAlertmanager: alerts that go nowhere are told, once it is known.
func TestNoAlertmanager(t *testing.T) {
	const none = "PrometheusConfig/main no-alertmanager alertmanagers, shop: its selector finds no running container, so no alert is sent there: correct the selector, or start them"
	tags := strings.Replace(withAlertmanagers, "{services: [alertmanager]}", "{serviceTags: {matchLabels: {team: shop}}}", 1)
	for _, tt := range []struct {
		name, config string
		edit         func(*world)
		want         []string
	}{
		{"another service", withAlertmanagers, func(w *world) { w.Tasks[0].Group = "service:other" }, []string{none}},
		{"another container", strings.Replace(withAlertmanagers, "services: [", "containers: [", 1), func(*world) {}, []string{none}},
		{"it is stopping", withAlertmanagers, func(w *world) { w.Tasks[0].DesiredStatus = "STOPPED" }, []string{none}},
		{"nothing has been read", withAlertmanagers, func(w *world) { w.Snapshot = *notRead() }, nil},
		{"one cluster has not been read", withAlertmanagers, func(w *world) {
			w.Tasks = nil
			dev := prod
			dev.Cluster = "dev"
			w.Scopes = append(w.Scopes, inventory.ScopeStatus{Scope: dev, State: inventory.Unsynced})
		}, nil},
		{"it is there", withAlertmanagers, func(*world) {}, nil},
		{"tags that have not been read", tags, func(*world) {}, nil},
		{"tags that cannot be read", tags, func(w *world) {
			w.Scopes[0].Lacking = map[string]string{"services": "describe services: AccessDenied"}
		}, []string{"PrometheusConfig/main facts-missing alertmanagers, shop: the object needs the services of tasks of cluster 111122223333/us-east-1/prod, " +
			"which cannot be read, so what is published stays: describe services: AccessDenied"}},
		{"tags that it has not", tags, func(w *world) { w.Scopes[0].Facts.Services = true }, []string{none}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			w.run("t1", "alertmanager", w.define("am", "awsvpc", container("am", port("web", 9093))), at("10.0.0.1"))
			tt.edit(w)
			if diff := cmp.Diff(tt.want, messages(build(t, &w.Snapshot, nil, prometheusConfig(tt.config)))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestSelfTargets(t *testing.T) {
	config := func(body string) *Plan {
		choice, err := Choose(decode(t, prometheusConfig(body)), "")
		if err != nil {
			t.Fatal(err)
		}
		base := build(t, &newWorld().Snapshot, nil, prometheusConfig(body))
		unsynced := newWorld()
		unsynced.Scopes[0].State = inventory.Unsynced
		old := artifact.Pool{Path: "targets/self/prometheus/targets.json", Targets: []artifact.Target{{}}}
		return Build(Input{
			Choice: choice, Files: base.Bundle.Config, Config: loaded(t, base.Bundle.Config), Snapshot: &unsynced.Snapshot, Live: []artifact.Pool{old},
			Self: Self{Prometheus: SelfTarget{"https", "prom:443", "/p/metrics"}, Controller: SelfTarget{"http", "127.0.0.1:9926", "/metrics"}},
		})
	}
	p := config("  selfScrape: true\n")
	got := map[string]string{}
	for _, pool := range p.Bundle.Pools {
		if pool.Self() {
			got[pool.Path] = string(pool.Encode())
		}
	}
	want := map[string]string{
		"targets/self/controller/targets.json": `[
{"targets":["127.0.0.1:9926"],"labels":{"__metrics_path__":"/metrics","__scheme__":"http","instance":"127.0.0.1:9926","job":"ecs-scrape"}}
]
`,
		"targets/self/prometheus/targets.json": `[
{"targets":["prom:443"],"labels":{"__metrics_path__":"/p/metrics","__scheme__":"https","instance":"prom:443","job":"prometheus"}}
]
`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if p.Held != 0 {
		t.Error("an old address of Prometheus is held")
	}
	p = config("  selfScrape: false\n")
	if got := len(p.Bundle.Pools); got != 1 || strings.Contains(string(p.Bundle.Config[artifact.ConfigFile]), "self") {
		t.Errorf("without selfScrape there are %d pools", got)
	}
}

func loaded(t *testing.T, files artifact.Files) *promconfig.Config {
	t.Helper()
	cfg, err := promconfig.Load(string(files[artifact.ConfigFile]), promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestShard(t *testing.T) {
	told := func(i int) *int { return &i }
	for _, tt := range []struct {
		shards string
		told   *int
		want   int
		err    string
	}{
		{"0", nil, 0, ""},
		{"1", told(0), 0, ""},
		{"3", told(2), 2, ""},
		{"3", nil, 0, "spec.shards of PrometheusConfig/main is 3: say which of them this Prometheus is with --prometheus.shard, from 0 to 2"},
		{"3", told(3), 0, "--prometheus.shard is 3, and spec.shards of PrometheusConfig/main is 3: give one from 0 to 2, or raise spec.shards"},
		{"1", told(1), 0, "--prometheus.shard is 1, and spec.shards of PrometheusConfig/main is 1: give one from 0 to 0, or raise spec.shards"},
		{"3", told(-2), 0, "--prometheus.shard is -2, and spec.shards of PrometheusConfig/main is 3: give one from 0 to 2, or raise spec.shards"},
	} {
		choice, err := Choose(decode(t, prometheusConfig("  shards: "+tt.shards+"\n")), "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := choice.Shard(tt.told)
		if got != tt.want || fmt.Sprint(err) != orDefault(tt.err, "<nil>") {
			t.Errorf("%s shards: %d, %v; want %d, %s", tt.shards, got, err, tt.want, tt.err)
		}
	}
}

func TestSecretsAreRendered(t *testing.T) {
	config := prometheusConfig(`  config:
    global: {external_labels: {a_file: "secret:LABEL", replica: "${HOSTNAME}", dollar: "$$x"}}
    remote_write: [{url: "http://x", basic_auth: {username: u, password_file: "secret:Remote_Write"}}]
    scrape_configs: [{job_name: j, static_configs: [{targets: [a], labels: {b_file: "secret:LABEL"}}]}]
  scrapeClasses: [{name: default, scrapeConfig: {authorization: {credentials_file: "secret:TOKEN"}, tls_config: {ca_file: /ca}}}]
  alertmanagers: [{name: shop, selector: {}, port: 9093, config: {tls_config: {ca_file: "secret:token"}}}]
`)
	o := decode(t, config)[0]
	t.Setenv("HOSTNAME", "this-process")
	_, text := renderedObjects(t, []*spec.Object{o})
	for _, want := range []string{
		"password_file: ../secrets/remote_write", "credentials_file: ../secrets/token", "ca_file: ../secrets/token", "ca_file: /ca",
		`a_file: "secret:LABEL"`, `b_file: "secret:LABEL"`, `replica: "${HOSTNAME}", dollar: "$$x"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "this-process") {
		t.Error("a variable of this process is in it")
	}
	if n := spec.Field(spec.Field(o.PrometheusConfig.ScrapeClasses[0].ScrapeConfig.Node, "authorization"), "credentials_file"); n.Value != "secret:TOKEN" {
		t.Errorf("the document was changed: %s", n.Value)
	}
	var got []string
	for _, p := range MissingSecrets(o, func(name string) bool { return name == "remote_write" }) {
		got = append(got, p.Error())
	}
	want := []string{
		`test.yaml:9:84: spec.scrapeClasses[0].scrapeConfig.authorization.credentials_file: secret "token" is not in the controller's environment; give it the variable ECS_SCRAPE_SECRET_TOKEN`,
		`test.yaml:10:89: spec.alertmanagers[0].config.tls_config.ca_file: secret "token" is not in the controller's environment; give it the variable ECS_SCRAPE_SECRET_TOKEN`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
