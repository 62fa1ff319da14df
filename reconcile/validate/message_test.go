package validate_test

import (
	"strings"
	"testing"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/validate"
)

// TestMessagesHoldNoSecret: Prometheus's words repeat what they refuse.
func TestMessagesHoldNoSecret(t *testing.T) {
	t.Parallel()
	job := func(body string) string { return "scrape_configs:\n- job_name: a\n  " + body + "\n" }
	const section = "prometheus.yml:3: cannot unmarshal !!str `<redacted>` into "
	for _, c := range []struct{ name, text, want string }{
		{"port", `remote_write: [{url: "http://u:S3CR3T@x:port/"}]`, `prometheus.yml: parse "http://<redacted>@x:port/": invalid port ":port" after host`},
		{"slash in a password", `remote_write: [{url: "http://u:S3CR3T/S3@x/"}]`, `prometheus.yml: parse "http://<redacted>@x/": invalid port "<redacted>" after host`},
		{"blank in a password", job(`proxy_url: "http://u:S3 CR3T@x/"`), `prometheus.yml: parse "http://<redacted>@x/": net/url: invalid userinfo`},
		{"quote in a password", job(`proxy_url: 'http://u:S3"CR3T@x:y/'`), `prometheus.yml: parse "http://<redacted>@x:y/": invalid port ":y" after host`},
		{"escape in a password", job(`proxy_url: "http://u:S3CR3T%zz@x/"`), `prometheus.yml: parse "http://<redacted>@x/": invalid URL escape "<redacted>"`},
		{"no scheme", job(`proxy_url: ":S3CR3T@x"`), `prometheus.yml: parse "<redacted>@x": missing protocol scheme`},
		{"address", job(`static_configs: [{targets: ["http://u:S3CR3T@x/"]}]`), `prometheus.yml: "http://<redacted>@x/" is not a valid hostname`},
		{"section", job("authorization: S3CR3T"), section + "config.Authorization"},
		{"long", job("basic_auth: S3CR3TS3CR3T"), section + "config.plain"},
		{"list", job("http_headers: {X: {secrets: S3CR3T}}"), section + "[]config.Secret"},
		{"line break", job("authorization: \"S3\n\n    CR3T\""), section + "config.Authorization"},
		{"number", job("sample_limit: manyS"), "prometheus.yml:3: cannot unmarshal !!str `manyS` into uint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, errs := validate.Files(artifact.Files{artifact.ConfigFile: []byte(c.text)}, validate.Options{})
			got := strings.Join(texts(errs), "\n")
			if strings.Contains(got, "S3") || strings.Contains(got, "CR3T") {
				t.Error("the secret is in the message")
			}
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}
