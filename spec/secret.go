package spec

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// secretReference begins the value of a *_file field that stands for a secret
// of the controller.
const secretReference = "secret:"

// secretName is a name after secretReference, in the characters of a variable.
var secretName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// SecretName reads the value of a *_file field. "secret:NAME" stands for the
// file that holds ECS_SCRAPE_SECRET_<NAME>; the result is that file's name, NAME
// in lower case. ok is false for every other value.
func SecretName(value string) (name string, ok bool) {
	name, ok = strings.CutPrefix(value, secretReference)
	if !ok || !secretName.MatchString(name) {
		return "", false
	}
	return strings.ToLower(name), true
}

// SecretUse is a place where a document asks for a secret.
type SecretUse struct {
	// Name is what [SecretName] gives.
	Name string
	// Path is the field, such as spec.config.remote_write[0].basic_auth.password_file.
	Path string
	// Position is that of the value.
	Position Position
}

// Secrets are all the places where a PrometheusConfig asks for a secret, in the
// order of its text but for config, classes and Alertmanagers, which come one
// after the other. Other kinds have none.
func (o *Object) Secrets() []SecretUse {
	s := o.PrometheusConfig
	if s == nil {
		return nil
	}
	var uses []SecretUse
	collect := func(at string, v Verbatim) {
		if v.Node == nil {
			return
		}
		visit(v.Node, at, func(f setting) {
			if name, ok := SecretName(f.value.Value); ok && f.takesSecret() {
				uses = append(uses, SecretUse{name, f.path, Position{o.Position.File, f.value.Line, f.value.Column}})
			}
		})
	}
	collect("spec.config", s.Config)
	for i := range s.ScrapeClasses {
		collect(index("spec.scrapeClasses", i)+".scrapeConfig", s.ScrapeClasses[i].ScrapeConfig)
	}
	for i := range s.Alertmanagers {
		collect(index("spec.alertmanagers", i)+".config", s.Alertmanagers[i].Config)
	}
	return uses
}

// takesSecret says whether the setting may be secret:NAME.
func (s setting) takesSecret() bool {
	return strings.HasSuffix(s.key.Value, "_file") && s.value.Kind == yaml.ScalarNode
}

// secretKeys are the fields whose values Prometheus treats as secrets.
func secretKeys() []string {
	return []string{
		"password", "credentials", "bearer_token", "client_secret", "client_certificate_key", "key", "secret_key", "proxy_connect_header",
	}
}

// secretWord is a name of the user's own whose value is likely a secret.
var secretWord = regexp.MustCompile(`(?i)password|passwd|passphrase|secret|credential|token|api[_-]?key|private[_-]?key|authorization|cookie`)

// isSecretKey says whether messages must not show what is at or below the key.
func isSecretKey(key string) bool {
	return slices.Contains(secretKeys(), key) || secretWord.MatchString(key)
}

// isEnvironment says whether the value at the path is compared with that of an
// environment variable, which messages must not show either.
func isEnvironment(path string) bool {
	return strings.Contains(path, "selector.environment.")
}
