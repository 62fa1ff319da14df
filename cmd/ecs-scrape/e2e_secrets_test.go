package main

import (
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ecs-scrape/controller"
	"ecs-scrape/controller/awssim"
)

// planted is a value that nobody may see, and the files below the output
// directory that it belongs into, as patterns of filepath.Match.
type planted struct {
	value string
	files []string
}

// plants are all values that the test hides in the world, each by where. What
// somebody writes into a PrometheusConfig in the clear Prometheus must be told,
// and the last valid version keeps; both files are the controller's work.
func plants() map[string]planted {
	inline := []string{"generation-*/prometheus.yml", ".state/accepted.json"}
	out := map[string]planted{"secret of the controller": {files: []string{"secrets/remote"}}}
	for _, where := range []string{
		"class", "next of the class", "header", "other header", "remote write", "query of a URL", "header of a write", "header of tracing", "parameter",
	} {
		out[where] = planted{files: inline}
	}
	for _, where := range []string{
		"environment", "override", "second container", "list for a password", "mapping for credentials", "unclosed quote",
		"token of a target", "alertmanager", "session token", "password of the address", "annotation of a tag", "comment",
	} {
		out[where] = planted{}
	}
	for where, p := range out {
		p.value = "canary-" + strings.ReplaceAll(where, " ", "-") + "-x7q"
		out[where] = p
	}
	return out
}

// secretSpecs are valid objects that hold secrets, and broken ones that do.
func secretSpecs(p map[string]planted) map[string]string {
	return map[string]string{
		"config.yaml": fmt.Sprintf(`apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec:
  config:
    global: {scrape_interval: 1s, scrape_timeout: 1s}
    remote_write:
    - {url: "http://127.0.0.1:1/a", basic_auth: {username: me, password_file: "secret:REMOTE"}}
    - url: http://127.0.0.1:1/b
      basic_auth:
        username: me
        password: %q # %s
    - url: http://127.0.0.1:1/c?tenant=a&token=%s
      headers: {X-Key: %q}
      oauth2: {client_id: me, client_secret: %q, token_url: "http://127.0.0.1:1/", endpoint_params: {assertion: %[5]q}}
    tracing: {endpoint: "127.0.0.1:1", insecure: true, headers: {auth: %[6]q}}
  scrapeClasses:
  - name: guarded
    scrapeConfig:
      basic_auth:
        username: me
        password: %[7]q # %[2]s
      http_headers: {X-Api-Key: {secrets: [%[8]q]}, X-Key: {values: [%[9]q]}}
`, p["remote write"].value, p["comment"].value, p["query of a URL"].value, p["header of a write"].value, p["parameter"].value, p["header of tracing"].value,
			p["class"].value, p["header"].value, p["other header"].value),
		"good.yaml":     secretive("good", `  scrapeClass: guarded`),
		"list.yaml":     secretive("list", fmt.Sprintf("  scrapeConfig: {basic_auth: {username: me, password: [%s]}}", p["list for a password"].value)),
		"mapping.yaml":  secretive("mapping", fmt.Sprintf("  scrapeConfig: {authorization: {credentials: {a: %s}}}", p["mapping for credentials"].value)),
		"quote.yaml":    secretive("quote", fmt.Sprintf("  scrapeConfig: {basic_auth: {password: \"%s}}", p["unclosed quote"].value)),
		"token.yaml":    secretive("token", fmt.Sprintf("  scrapeConfig: {bearer_token: %s}", p["token of a target"].value)),
		"manager.yaml":  "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {config: {alerting: {alertmanagers: [{basic_auth: {password: {a: " + p["alertmanager"].value + "}}}]}}}\n",
		"nonsense.yaml": "kind: [" + p["annotation of a tag"].value + "\n",
	}
}

func secretive(name, more string) string {
	return "apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: " + name + "}\nspec:\n" +
		"  selector: {environment: {matchLabels: {PROMETHEUS: \"true\"}}}\n  endpoints: [{port: metrics}]\n" + more + "\n"
}

// TestNothingSecretComesOut hides values wherever a secret can be, and looks for
// them in all that the program writes, serves, logs and prints.
func TestNothingSecretComesOut(t *testing.T) {
	p := plants()
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()})
	w.secretTasks(p)
	specs := secretSpecs(p)
	for _, name := range []string{"config.yaml", "good.yaml"} {
		w.write(name, specs[name])
	}
	w.env = []string{"ECS_SCRAPE_SECRET_REMOTE=" + p["secret of the controller"].value, "AWS_SESSION_TOKEN=" + p["session token"].value}
	self, err := os.Executable()
	must(t, err)
	w.controller = w.start("ecs-scrape", self, w.environment(),
		"run", "--specs", w.specs, "--output", w.output, "--web.listen-address", w.web, "--ecs.poll-interval", "1s", "--log.level", "debug",
		"--prometheus.url", "http://me:"+p["password of the address"].value+"@"+w.prom)
	w.healthy()
	w.startPrometheus(current(t))
	w.ready()
	w.eventually("there are targets", func() error { return w.objectTargets("good", 2) })
	published := w.publishSecrets(specs["config.yaml"], p)
	specs["config.yaml"] = next(specs["config.yaml"], p)
	w.write("config.yaml", specs["config.yaml"])
	w.eventually("the change is told", func() error {
		s, err := w.status()
		if err == nil && !slices.ContainsFunc(s.Changes, func(c controller.Change) bool { return strings.Contains(c.Diff, "<secret, new>") }) {
			err = fmt.Errorf("changes %+v", s.Changes)
		}
		return err
	})
	for name, text := range specs {
		w.write(name, text)
	}
	w.eventually("the broken objects are refused", func() error {
		s, err := w.status()
		if err == nil && len(s.Problems) < len(specs)-2 {
			err = fmt.Errorf("%d problems", len(s.Problems))
		}
		return err
	})
	outputs := w.allOutputs()
	maps.Copy(outputs, published)
	w.controller.stop()
	outputs["log"] = w.controller.log.String()
	for name, text := range outputs {
		search(t, p, name, text)
	}
	w.searchFiles(p)
}

// next is the configuration with another password of the class.
func next(config string, p map[string]planted) string {
	return strings.ReplaceAll(config, p["class"].value, p["next of the class"].value)
}

// publishSecrets publishes a configuration and, for show, the next one, and is
// what that says.
func (w *world) publishSecrets(config string, p map[string]planted) map[string]string {
	w.t.Helper()
	must(w.t, w.sim.CreateBucket("specs"))
	dir, out := w.t.TempDir(), map[string]string{}
	for _, text := range []string{config, next(config, p)} {
		must(w.t, os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(text), 0o600))
		for _, args := range [][]string{{"--dry-run"}, {}} {
			code, said := w.command(append([]string{"publish", dir, "s3://specs/sound"}, args...)...)
			if code != exitOK {
				w.t.Errorf("publish ends with %d: %s", code, said)
			}
			out[fmt.Sprint("publish ", args, len(out))] = said
		}
	}
	_, out["revisions"] = w.command("revisions", "s3://specs/sound")
	return out
}

// secretTasks runs one task whose definition, and one whose override, holds what
// nobody asked for.
func (w *world) secretTasks(p map[string]planted) {
	w.t.Helper()
	w.sim.CreateCluster("prod", nil)
	arn, err := w.sim.RegisterTaskDefinition(awssim.TaskDefinition{Family: "app", NetworkMode: awssim.ModeAWSVPC, Containers: []awssim.Container{
		{
			Name: "app", Ports: []awssim.Port{{Name: "metrics", Container: 9090}}, Metrics: []awssim.Metrics{{Port: 9090}},
			Environment: map[string]string{"PROMETHEUS": "true", "PASSWORD": p["environment"].value},
		},
		{Name: "second", Environment: map[string]string{"TOKEN": p["second container"].value}},
	}})
	must(w.t, err)
	must(w.t, w.sim.CreateService("prod", awssim.Service{Name: "app", TaskDefinition: arn, Desired: 1, Launch: awssim.LaunchFargate}))
	_, err = w.sim.RunTask("prod", awssim.RunTask{TaskDefinition: arn, Launch: awssim.LaunchFargate, Environment: map[string]map[string]string{
		"app": {"PASSWORD": p["override"].value},
	}})
	must(w.t, err)
}

func (w *world) objectTargets(name string, want int) error {
	s, err := w.status()
	if err != nil {
		return err
	}
	for _, o := range s.Objects {
		if o.Name == name && o.Targets == want {
			return nil
		}
	}
	return fmt.Errorf("not %d targets of %s: %+v", want, name, s.Objects)
}

// allOutputs is what every page and every command says, by its name.
func (w *world) allOutputs() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for _, path := range []string{
		"/", "/clusters", "/changes", "/object?kind=ScrapeTarget&name=good", "/object?kind=PrometheusConfig&name=main", "/search?q=list",
		"/api/v1/status", "/api/v1/status?targets=false", "/api/v1/explain", "/api/v1/explain?format=text", "/metrics", "/healthz", "/readyz",
	} {
		_, body, err := fetch("http://" + w.web + path)
		must(w.t, err)
		out[path] = string(body)
	}
	tasks, err := w.sim.RunningTasks("prod", "app")
	must(w.t, err)
	for _, q := range append(tasks, "good", "list") {
		_, body, err := fetch("http://" + w.web + "/api/v1/explain?format=text&query=" + url.QueryEscape(q))
		must(w.t, err)
		out["explain "+q] = string(body)
	}
	live := []string{"--specs", w.specs, "--output", w.output, "--prometheus.url", ""}
	for _, args := range [][]string{
		{"status", "-o", "wide", "--url", "http://" + w.web},
		{"status", "good", "--url", "http://" + w.web},
		{"status", "-o", "yaml", "--url", "http://" + w.web},
		{"rollback", "--list", "--output", w.output},
		{"publish", w.specs, "s3://specs/broken"},
		{"publish", w.specs, "s3://specs/broken", "--dry-run"},
		append([]string{"diff"}, live...), append([]string{"diff", "--format", "json"}, live...), append([]string{"diff", "--format", "markdown"}, live...),
		append([]string{"explain"}, live...),
		{"snapshot", "--specs", w.specs},
		{"validate", w.specs},
		{"validate", "--format", "json", w.specs},
		{"validate", "--format", "github", w.specs},
	} {
		_, text := w.command(args...)
		out[strings.Join(args, " ")] = text
	}
	return out
}

func search(t *testing.T, p map[string]planted, where, text string) {
	t.Helper()
	for what, secret := range p {
		if i := strings.Index(text, secret.value); i >= 0 {
			t.Errorf("%s shows the %s: %q", where, what, text[max(0, i-80):min(len(text), i+80)])
		}
	}
}

// searchFiles looks into every file of the output directory, and requires that
// what belongs somewhere is there.
func (w *world) searchFiles(p map[string]planted) {
	w.t.Helper()
	found := map[string]bool{}
	must(w.t, filepath.WalkDir(w.output, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(w.output, path)
		for what, secret := range p {
			switch {
			case !strings.Contains(string(data), secret.value):
			case slices.ContainsFunc(secret.files, func(pattern string) bool { ok, _ := filepath.Match(pattern, name); return ok }):
				found[what] = true
			default:
				w.t.Errorf("%s holds the %s", name, what)
			}
		}
		return err
	}))
	for what, secret := range p {
		if len(secret.files) > 0 && !found[what] {
			w.t.Errorf("the %s is nowhere: the test hides nothing", what)
		}
	}
}
