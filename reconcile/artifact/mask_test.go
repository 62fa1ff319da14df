package artifact

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const withSecrets = `# Written by a program.
# password: S3CR3T-comment
global:
  scrape_interval: 30s
remote_write:
  - url: http://u:S3CR3T'url@x:9090/write
    headers:
      X-Api-Key: S3CR3T-header
      X-Scope: S3CR3T-scope # S3CR3T-scoped
  - url: https://y/write?tenant=S3CR3T-tenant&token=S3CR3T'query&S3CR3T-bare
    name: second # of http://z/?k=S3CR3T-linked
    oauth2:
      client_id: me
      endpoint_params: {audience: S3CR3T-param}
scrape_configs:
  - job_name: a
    basic_auth:
      username: u
      # S3CR3T-above
      password: S3CR3T-1 # S3CR3T-tail
      password_file: /etc/password
    params:
      match[]: ['{job="x"}']
  - job_name: b
    authorization:
      type: Bearer
      credentials: S3CR3T-2
    tls_config: {key: "S3CR3T-3", key_file: /etc/key}
    http_headers:
      Authorization:
        values: [S3CR3T-4]
      X-Y:
        secrets: [S3CR3T-5]
        files: [/etc/header]
        values: [S3CR3T-value]
    relabel_configs:
      - regex: (https?)://([^/]+)/?(.*)
    ec2_sd_configs:
      - access_key: S3CR3T-6
        secret_key: S3CR3T-7
    proxy_connect_header:
      X: [S3CR3T-8]
tracing:
  headers: {auth: S3CR3T-trace}
`

func configDiff(t *testing.T, before, after string) string {
	t.Helper()
	d := Diff(&Bundle{Config: Files{ConfigFile: []byte(before)}}, &Bundle{Config: Files{ConfigFile: []byte(after)}})
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{d.Text(), d.Markdown(), string(data)} {
		if strings.Contains(text, "S3CR3T") {
			t.Errorf("a secret is in\n%s", text)
		}
	}
	if len(d.Config) != 1 {
		t.Fatalf("%d files differ", len(d.Config))
	}
	return d.Config[0].Diff
}

// TestSecretsAreNotInDiffs: whole files, files that do not parse, and comments.
func TestSecretsAreNotInDiffs(t *testing.T) {
	got := configDiff(t, "", withSecrets)
	for _, shown := range []string{
		"+      X-Scope: ", "+      password_file: /etc/password\n", "key_file: /etc/key", "files: [/etc/header]", "regex: (https?)://([^/]+)/?(.*)\n", "+      client_id: me\n",
		"+  - url: https://y/write?tenant=", "name: second # of http://z/?k=<secret>\n",
		"+  - url: http:", "@x:9090/write", "+      match[]: ['{job=\"x\"}']\n", "+      username: u\n", "+      type: Bearer\n",
	} {
		if !strings.Contains(got, shown) {
			t.Errorf("%q is not in\n%s", shown, got)
		}
	}
	configDiff(t, withSecrets, "")
	configDiff(t, withSecrets+"broken: [\n", "global: {}\n")
	configDiff(t, withSecrets+"---\na: {password: S3CR3T}\n", "global: {}\n")
	configDiff(t, "global: {}\n# password: S3CR3T\n", "global: {}\n")
}

// TestChangedSecretsAreSeen: each without its value, and only where it changed.
func TestChangedSecretsAreSeen(t *testing.T) {
	const head = "--- live/prometheus.yml\n+++ want/prometheus.yml\n"
	const inserted = "  - job_name: first\n    basic_auth:\n      password: S3CR3T-0\n"
	for name, c := range map[string]struct{ old, changed, want string }{
		"password": {"S3CR3T-1", "S3CR3T-9", "-      password: <secret, old> # <secret>\n+      password: <secret, new> # <secret>\n"},
		"list":     {"[S3CR3T-5]", "[S3CR3T-9]", "-        secrets: ['<secret, old>']\n+        secrets: ['<secret, new>']\n"},
		"URL":      {"//u:S3CR3T'url@", "//u:S3CR3T-9@", "-  - url: http://<secret, old>@x:9090/write\n+  - url: http://<secret, new>@x:9090/write\n"},
		"query": {
			"token=S3CR3T'query&S3CR3T-bare", "token=S3CR3T-9",
			"-  - url: https://y/write?tenant=<secret, old>&token=<secret, old>&<secret, old>\n+  - url: https://y/write?tenant=<secret, new>&token=<secret, new>\n",
		},
		"parameter": {"S3CR3T-param", "S3CR3T-9", "-      endpoint_params: {audience: '<secret, old>'}\n+      endpoint_params: {audience: '<secret, new>'}\n"},
		"no more":   {"      # S3CR3T-above\n      password: S3CR3T-1 # S3CR3T-tail\n", "", "-      # <secret>\n-      password: <secret, old> # <secret>\n"},
		"another":   {"30s", "15s", "-  scrape_interval: 30s\n+  scrape_interval: 15s\n"},
		"inserted":  {"scrape_configs:\n", "scrape_configs:\n" + inserted, "+  - job_name: first\n+    basic_auth:\n+      password: <secret, new>\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := strings.CutPrefix(configDiff(t, withSecrets, strings.Replace(withSecrets, c.old, c.changed, 1)), head)
			if !ok {
				t.Fatal(got)
			}
			var lines string
			for line := range strings.Lines(got) {
				if line[0] == '-' || line[0] == '+' {
					lines += line
				}
			}
			if diff := cmp.Diff(c.want, lines); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestMovedSecretsAreSeen: two that are exchanged look as before.
func TestMovedSecretsAreSeen(t *testing.T) {
	const before = "remote_write:\n  - basic_auth: {password: S3CR3T-1}\n  - basic_auth: {password: S3CR3T-2}\n"
	after := strings.NewReplacer("-1", "-2", "-2", "-1").Replace(before)
	if got := configDiff(t, before, after); !strings.Contains(got, "differs only in secrets") {
		t.Error(got)
	}
}
