package plan

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// secretsDir is where the files of secrets are, as prometheus.yml sees it.
const secretsDir = "../secrets/"

// secretAt is the secret that a field names.
func secretAt(key, value *yaml.Node) (string, bool) {
	if value.Kind != yaml.ScalarNode || !strings.HasSuffix(key.Value, "_file") {
		return "", false
	}
	return spec.SecretName(value.Value)
}

// withSecrets is the tree with the path of its file for each secret that is
// named. The input is not changed; where it names none, it is the result.
func withSecrets(n *yaml.Node) *yaml.Node {
	if n == nil || len(n.Content) == 0 {
		return n
	}
	out, changed := *n, false
	out.Content = slices.Clone(n.Content)
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode {
			out.Content[i] = fieldWithSecret(n, i)
		} else {
			out.Content[i] = withSecrets(c)
		}
		changed = changed || out.Content[i] != c
	}
	if !changed {
		return n
	}
	return &out
}

// fieldWithSecret is what stands at an index of a mapping's content.
func fieldWithSecret(n *yaml.Node, i int) *yaml.Node {
	c := n.Content[i]
	if i%2 == 0 {
		return c
	}
	key := n.Content[i-1]
	if name, ok := secretAt(key, c); ok {
		return str(secretsDir + name)
	}
	if spec.FreeForm(key.Value) {
		return c
	}
	return withSecrets(c)
}

// MissingSecrets are the problems of a PrometheusConfig that names secrets which
// the controller was not given. have says which names, in lower case, it was.
func MissingSecrets(o *spec.Object, have func(name string) bool) []spec.Problem {
	var out []spec.Problem
	for _, use := range o.Secrets() {
		if !have(use.Name) {
			out = append(out, spec.Problem{Position: use.Position, Object: o.ID, Path: use.Path, Message: fmt.Sprintf(
				"secret %q is not in the controller's environment; give it the variable ECS_SCRAPE_SECRET_%s", use.Name, strings.ToUpper(use.Name))})
		}
	}
	return out
}
