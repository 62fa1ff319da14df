package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// secretsDir is where the files of secrets are, as prometheus.yml sees it.
const secretsDir = "../secrets/"

// secretRef is a place of a document that names a secret.
type secretRef struct{ path, name string }

// TODO(merge): replace secretName and secretRefs by spec.SecretName and
// (*spec.Object).Secrets once they are there.
var secretPattern = regexp.MustCompile(`^secret:([A-Za-z_][A-Za-z0-9_]*)$`)

// secretName is the lower-case name that `secret:NAME` refers to.
func secretName(value string) (string, bool) {
	m := secretPattern.FindStringSubmatch(value)
	if m == nil {
		return "", false
	}
	return strings.ToLower(m[1]), true
}

func secretRefs(o *spec.Object) []secretRef {
	var out []secretRef
	for _, part := range verbatimParts(o.PrometheusConfig) {
		visitSecrets(part.node, part.path, func(at, name string) { out = append(out, secretRef{at, name}) })
	}
	return out
}

// verbatim is a piece of Prometheus's own in a PrometheusConfig.
type verbatim struct {
	path string
	node *yaml.Node
}

func verbatimParts(s *spec.PrometheusConfigSpec) []verbatim {
	parts := []verbatim{{"spec.config", s.Config.Node}}
	for i := range s.ScrapeClasses {
		parts = append(parts, verbatim{fmt.Sprintf("spec.scrapeClasses[%d].scrapeConfig", i), s.ScrapeClasses[i].ScrapeConfig.Node})
	}
	for i := range s.Alertmanagers {
		parts = append(parts, verbatim{fmt.Sprintf("spec.alertmanagers[%d].config", i), s.Alertmanagers[i].Config.Node})
	}
	return parts
}

// ownWords are the mappings of prometheus.yml whose keys are the user's own: a
// label that is named some_file is no path.
var ownWords = []string{
	"annotations", "attributes", "claims", "endpoint_params", "external_labels", "filters",
	"headers", "labels", "node_meta", "params", "required_matchers",
}

func visitSecrets(n *yaml.Node, at string, found func(at, name string)) {
	if n != nil && n.Kind == yaml.SequenceNode {
		for i, c := range n.Content {
			visitSecrets(c, fmt.Sprintf("%s[%d]", at, i), found)
		}
	}
	for k, v := range pairs(n) {
		path := at + "." + k.Value
		if name, ok := secretAt(k, v); ok {
			found(path, name)
		} else if !slices.Contains(ownWords, k.Value) {
			visitSecrets(v, path, found)
		}
	}
}

// secretAt is the secret that a field names.
func secretAt(key, value *yaml.Node) (string, bool) {
	if value.Kind != yaml.ScalarNode || !strings.HasSuffix(key.Value, "_file") {
		return "", false
	}
	return secretName(value.Value)
}

// withSecrets is the tree with the path of its file for each secret that is
// named. The input is not changed; where it names none, it is the result.
func withSecrets(n *yaml.Node) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode && n.Kind != yaml.SequenceNode {
		return n
	}
	content := n.Content
	for i, c := range n.Content {
		replaced := withSecrets(c)
		if n.Kind == yaml.MappingNode {
			replaced = fieldWithSecret(n, i)
		}
		if replaced != c {
			if &content[0] == &n.Content[0] {
				content = slices.Clone(n.Content)
			}
			content[i] = replaced
		}
	}
	if len(content) == 0 || &content[0] == &n.Content[0] {
		return n
	}
	out := *n
	out.Content = content
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
	if slices.Contains(ownWords, key.Value) {
		return c
	}
	return withSecrets(c)
}

// MissingSecrets are the problems of a PrometheusConfig that names secrets which
// the controller was not given. have says which names, in lower case, it was.
func MissingSecrets(o *spec.Object, have func(name string) bool) []spec.Problem {
	var out []spec.Problem
	for _, s := range secretRefs(o) {
		if !have(s.name) {
			out = append(out, refusal(o, s.path, "secret %q is not in the controller's environment; give it the variable ECS_SCRAPE_SECRET_%s",
				s.name, strings.ToUpper(s.name)))
		}
	}
	return out
}
