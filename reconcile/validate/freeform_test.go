package validate_test

import (
	"testing"

	"ecs-scrape/reconcile/validate"
	"ecs-scrape/spec"
)

// TestWordsOfTheUsersOwn: below fields whose keys are the user's own, a key means
// nothing to Prometheus.
func TestWordsOfTheUsersOwn(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"annotations", "attributes", "claims", "external_labels", "headers", "http_headers", "params"} {
		set := spec.Decode([]spec.File{{Name: "a.yaml", Data: []byte(`apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec: {config: {anything: {` + field + `: {basic_auth: {username: a}}}}}
`)}})
		if len(set.Problems) > 0 {
			t.Fatal(set.Problems)
		}
		if found := validate.Lint(nil, set.Objects[0]); len(found) > 0 {
			t.Errorf("%s: %v", field, found)
		}
		if !spec.FreeForm(field) {
			t.Errorf("%s is not free", field)
		}
	}
}
