package main

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/plan"
)

// everything has each part of a PrometheusConfig that ends in prometheus.yml,
// and each kind of discovery that is known.
const everything = `apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec:
  config:
    global:
      external_labels: {replica: "${HOSTNAME}"}
    remote_write:
    - {url: "http://mimir/api/v1/push", basic_auth: {username: u, password_file: "secret:MIMIR"}}
    alerting:
      alertmanagers: [{dns_sd_configs: [{names: [alertmanager.internal], type: A, port: 9093}]}]
    scrape_configs:
    - {job_name: static, static_configs: [{targets: ["127.0.0.1:1"]}]}
    - {job_name: file, file_sd_configs: [{files: [/etc/targets/*.json]}]}
    - {job_name: http, http_sd_configs: [{url: "http://sd.internal/targets"}]}
    - {job_name: dns, dns_sd_configs: [{names: [_x._tcp.internal]}]}
    - {job_name: ec2, ec2_sd_configs: [{region: eu-west-1, port: 9100}]}
    - {job_name: consul, consul_sd_configs: [{server: "127.0.0.1:8500"}]}
  scrapeClasses:
  - name: default
    scrapeConfig: {authorization: {credentials_file: "secret:Token"}}
  alertmanagers:
  - {name: shop, selector: {families: [alertmanager]}, port: 9093, config: {basic_auth: {username: u, password_file: "secret:MIMIR"}}}
  enforced: {sample_limit: 1000, label_limit: 30, body_size_limit: 10MB}
`

const agentConfig = `apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec:
  prometheus: {version: "3.15", agent: true}
  config: {remote_write: [{url: "http://mimir/api/v1/push"}]}
---
apiVersion: ecs-scrape/v1
kind: PrometheusRule
metadata: {name: rule}
spec: {groups: [{name: g, rules: [{record: a:b, expr: up}]}]}
`

// renderSpecs renders one file of specs over an account where something runs.
func renderSpecs(t *testing.T, output, text string) (code int, out string) {
	t.Helper()
	specs := t.TempDir()
	must(t, os.WriteFile(filepath.Join(specs, "specs.yaml"), []byte(text), 0o600))
	var all strings.Builder
	code = execute(t.Context(), []string{
		"render", "--specs", specs, "--output", output, "--ecs.cluster", "prod", "--snapshot", filepath.Join(moduleDir, "examples", "rules", "snapshot.json"),
	}, strings.NewReader(""), &all, &all)
	return code, all.String()
}

func TestRenderEverything(t *testing.T) {
	t.Setenv("ECS_SCRAPE_SECRET_MIMIR", "sesame-1")
	t.Setenv("ECS_SCRAPE_SECRET_TOKEN", "sesame-2\n")
	t.Setenv("HOSTNAME", "this-host")
	output := filepath.Join(t.TempDir(), "out")
	code, out := renderSpecs(t, output, everything)
	if code != exitOK || strings.Contains(out, "sesame") {
		t.Fatalf("exit code %d: %s", code, out)
	}
	config := filepath.Join(output, "current", "prometheus.yml")
	for _, promtool := range promtools(t) {
		if promtool != "/usr/bin/promtool" { // Debian's is built without consul
			judge(t, promtool, "check", "config", config)
		}
	}
	if text := read(t, config); !strings.Contains(text, "${HOSTNAME}") || strings.Contains(text, "this-host") {
		t.Errorf("a variable was expanded:\n%s", text)
	}
	if got := read(t, filepath.Join(output, "secrets", "token")); got != "sesame-2\n" {
		t.Errorf("the secret is %q", got)
	}
	wantNowhereElse(t, output, "sesame")

	must(t, os.Unsetenv("ECS_SCRAPE_SECRET_MIMIR"))
	code, out = renderSpecs(t, output, everything)
	if code != exitError || strings.Count(out, "ECS_SCRAPE_SECRET_MIMIR") != 2 || !strings.Contains(out, `specs.yaml:9:`) {
		t.Errorf("without a secret: exit code %d: %s", code, out)
	}
	if got := read(t, filepath.Join(output, "secrets", "mimir")); got != "sesame-1" {
		t.Errorf("what is served lost its secret: %q", got)
	}
	bare := "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {}\n"
	for range 2 { // what was live at the beginning counts: Prometheus may still have it loaded
		if code, out = renderSpecs(t, output, bare); code != exitOK {
			t.Fatalf("exit code %d: %s", code, out)
		}
	}
	if _, err := os.Stat(filepath.Join(output, "secrets", "mimir")); !os.IsNotExist(err) {
		t.Errorf("a secret that nothing names is left: %v", err)
	}
}

// wantNowhereElse: no file but those below secrets holds the text.
func wantNowhereElse(t *testing.T, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Base(filepath.Dir(path)) != "secrets" && strings.Contains(read(t, path), text) {
			t.Errorf("%s holds a secret", path)
		}
		return err
	})
	must(t, err)
}

func TestRenderAgent(t *testing.T) {
	output := filepath.Join(t.TempDir(), "out")
	code, out := renderSpecs(t, output, agentConfig)
	if code != exitOK || !strings.Contains(out, "[rule-of-agent]") {
		t.Fatalf("exit code %d: %s", code, out)
	}
	for _, promtool := range promtools(t) {
		judge(t, promtool, "check", "config", "--agent", filepath.Join(output, "current", "prometheus.yml"))
	}
}

func TestSecretVariables(t *testing.T) {
	got, err := secrets([]string{"A=b", "ECS_SCRAPE_SECRET_Some_Name=a=b\n", "ECS_SCRAPE_SECRETS_UID=5", "ECS_SCRAPE_SECRET_EMPTY="})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]byte{"some_name": []byte("a=b\n"), "empty": {}}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for want, environment := range map[string][]string{
		"letters, digits and underscores": {"ECS_SCRAPE_SECRET_A.B=sesame"},
		"differs in case alone":           {"ECS_SCRAPE_SECRET_A=sesame", "ECS_SCRAPE_SECRET_a=sesame"},
		"rename it":                       {"ECS_SCRAPE_SECRET_=sesame"},
	} {
		if _, err := secrets(environment); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%v: %v", environment, err)
		}
	}
}

func TestSelfAddresses(t *testing.T) {
	bound := &net.TCPAddr{IP: net.IPv4zero, Port: 4711}
	for _, tt := range []struct {
		url, listen            string
		bound                  net.Addr
		prometheus, controller plan.SelfTarget
	}{
		{"", "127.0.0.1:9926", nil, plan.SelfTarget{}, plan.SelfTarget{Scheme: "http", Address: "127.0.0.1:9926", Path: "/metrics"}},
		{
			"http://prometheus", ":9926", nil,
			plan.SelfTarget{Scheme: "http", Address: "prometheus:80", Path: "/metrics"},
			plan.SelfTarget{Scheme: "http", Address: "127.0.0.1:9926", Path: "/metrics"},
		},
		{
			"https://u:p@prometheus/prefix/", "0.0.0.0:0", bound,
			plan.SelfTarget{Scheme: "https", Address: "prometheus:443", Path: "/prefix/metrics"},
			plan.SelfTarget{Scheme: "http", Address: "127.0.0.1:4711", Path: "/metrics"},
		},
		{
			"http://[::1]:9090", "[::]:0", nil,
			plan.SelfTarget{Scheme: "http", Address: "[::1]:9090", Path: "/metrics"},
			plan.SelfTarget{},
		},
		{"", "localhost:http", nil, plan.SelfTarget{}, plan.SelfTarget{Scheme: "http", Address: "localhost:80", Path: "/metrics"}},
	} {
		f := prometheusFlags{url: tt.url, listen: tt.listen, shard: notSaid}
		var o reconcile.Options
		if err := f.apply(context.Background(), &o, tt.bound); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
		if diff := cmp.Diff(plan.Self{Prometheus: tt.prometheus, Controller: tt.controller}, o.Self); diff != "" || o.Shard != nil {
			t.Errorf("%+v: -want +got\n%s", f, diff)
		}
	}
	for _, f := range []prometheusFlags{
		{url: "prometheus:9090", listen: ":1"}, {url: "http://", listen: ":1"}, {listen: "nonsense"}, {listen: ":nonsense"},
	} {
		var o reconcile.Options
		if err := f.apply(context.Background(), &o, nil); err == nil || !slices.ContainsFunc([]string{"--prometheus.url: ", "--web.listen-address: "}, func(flag string) bool {
			return strings.HasPrefix(err.Error(), flag)
		}) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// TestSelfScheme: the controller is scraped as it serves.
func TestSelfScheme(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tt := range map[string]struct{ text, scheme, err string }{
		"tls":      {"tls_server_config: {cert_file: a.pem, key_file: a.key}\n", "https", ""},
		"password": {"basic_auth_users: {a: hash}\n", "http", ""},
		"empty":    {"", "http", ""},
		"broken":   {"tls_server_config: sesame-sesame\n", "", "line 1"},
	} {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, []byte(tt.text), 0o600))
		got, err := scheme(file)
		if got != tt.scheme || (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "sesame")) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	f := prometheusFlags{listen: ":9926", webCfg: filepath.Join(dir, "tls"), shard: notSaid}
	var o reconcile.Options
	if err := f.apply(t.Context(), &o, nil); err != nil || o.Self.Controller.Scheme != "https" {
		t.Errorf("%+v, %v", o.Self, err)
	}
	f.webCfg = filepath.Join(dir, "none")
	if err := f.apply(t.Context(), &o, nil); err == nil || !strings.HasPrefix(err.Error(), "--web.config.file: ") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestNewReloaderRefuses(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none")
	for want, tt := range map[string]struct{ url, connection string }{
		"--prometheus.url: ":         {"http://user:sesame%zz@host", ""},
		"--prometheus.config.file: ": {"https://host", missing},
	} {
		if _, err := newReloader(tt.url, tt.connection); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	if r, err := newReloader("", missing); r != nil || err != nil {
		t.Errorf("without a Prometheus: %v, %v", r, err)
	}
}
