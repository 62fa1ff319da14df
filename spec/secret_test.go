package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecretName(t *testing.T) {
	for value, want := range map[string]string{
		"secret:WEB": "web", "secret:Remote_Write_2": "remote_write_2", "secret:": "", "secret:a-b": "",
		"secret:a/b": "", "secret:../x": "", "/etc/secret:x": "", "SECRET:x": "", "": "", "secret: x": "",
	} {
		if got, ok := SecretName(value); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", value, got, ok, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	o := Decode([]File{read(t, "testdata/whole-config.good.yml")}).Objects[0]
	var got []string
	for _, s := range o.Secrets() {
		got = append(got, fmt.Sprintf("%s: %s: %s", s.Position, s.Path, s.Name))
	}
	want := []string{
		"whole-config.good.yml:8:66: spec.config.remote_write[0].basic_auth.password_file: remote_write",
		"whole-config.good.yml:11:41: spec.config.scrape_configs[0].authorization.credentials_file: token",
		"whole-config.good.yml:17:61: spec.scrapeClasses[0].scrapeConfig.basic_auth.password_file: web",
		"whole-config.good.yml:26:48: spec.alertmanagers[0].config.basic_auth.password_file: am1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	if target := Decode([]File{read(t, "testdata/full.good.yml")}).Objects[0]; target.Secrets() != nil {
		t.Error("a ScrapeTarget asks for a secret")
	}
}

// TestSecretsAreNotShown: whatever is wrong with or around a secret, no message
// has it.
func TestSecretsAreNotShown(t *testing.T) {
	target := "apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: web%s}\nspec: {selector: {%s}, endpoints: [{port: 80%s}], scrapeConfig: {%s}}\n"
	config := "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: web}\nspec: {config: {%s}, scrapeClasses: [{name: a, scrapeConfig: {%s}}]}\n"
	for _, text := range []string{
		fmt.Sprintf(config, "basic_auth: {password: {hunter2: a, hunter2: b}}", ""),
		fmt.Sprintf(config, "basic_auth: {password: [{hunter2: a, hunter2: b}]}", ""),
		fmt.Sprintf(config, "basic_auth: {password: {{hunter2}}}", ""),
		fmt.Sprintf(config, "basic_auth: {password: *hunter2}", ""),
		fmt.Sprintf(config, "basic_auth: {password: &hunter2 [*hunter2]}", ""),
		fmt.Sprintf(config, "basic_auth: {password_file: hunter2}", ""),
		fmt.Sprintf(config, "", "authorization: {credentials_file: hunter2}"),
		fmt.Sprintf(config, "", "basic_auth: {password_file: 'secret:hunter2!'}"),
		fmt.Sprintf(config, "", "tls_config: {key_file: hunter2}"),
		fmt.Sprintf(config, "", "http_headers: {X-Token: {files: [hunter2]}}"),
		fmt.Sprintf(target, "", "", "", "basic_auth: {password: hunter2}"),
		fmt.Sprintf(target, "", "", "", "proxy_url: 'http://u:hunter2@p'"),
		fmt.Sprintf(target, "", "", "", "http_headers: {X-Token: {secrets: [hunter2]}}"),
		fmt.Sprintf(target, ", annotations: {password: !hunter2 x}", "", "", ""),
		fmt.Sprintf(target, ", annotations: {password: 31337}", "", "", ""),
		fmt.Sprintf(target, "", "environment: {matchLabels: {SHARD: 31337}}", "", ""),
		fmt.Sprintf(target, "", "environment: {matchExpressions: [{key: A, operator: In, values: [31337]}]}", "", ""),
		fmt.Sprintf(target, "", "", ", params: {token: [31337]}", ""),
		fmt.Sprintf(target, "", "", ", params: {token: [hunter2, hunter2]}", ""),
	} {
		o, problems := decodeOne(t, "a.yml", text)
		if o != nil || len(problems) == 0 {
			t.Errorf("nothing is wrong with %s", text)
		}
		for _, p := range problems {
			if shown := p.Error(); strings.Contains(shown, "hunter2") || strings.Contains(shown, "31337") {
				t.Errorf("%s\nfor %s", shown, text)
			}
		}
	}
}
