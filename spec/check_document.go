package spec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	kubevalidation "k8s.io/apimachinery/pkg/util/validation"
	kubefield "k8s.io/apimachinery/pkg/util/validation/field"
)

func isDNSLabel(name string) bool {
	return len(kubevalidation.IsDNS1123Label(name)) == 0
}

// at reports a problem with a value, if it was there and of its type; if not,
// that has been reported. It says whether the value was there.
func (d *document) at(path, format string, args ...any) {
	if n, ok := d.places[path]; ok {
		d.report(n, path, fmt.Sprintf(format, args...))
	}
}

func (d *document) checkEnvelope(e *envelope) {
	if e.APIVersion != APIVersion {
		d.at("apiVersion", "is %q; must be %s", e.APIVersion, APIVersion)
	}
	if !slices.Contains(kinds(), e.Kind) {
		d.at("kind", "%q is no kind of %s; %s", e.Kind, APIVersion, suggest(e.Kind, kinds()))
	}
	d.checkName("metadata.name", e.Metadata.Name)
	for _, key := range slices.Sorted(maps.Keys(e.Metadata.Labels)) {
		path := join("metadata.labels", key)
		for _, message := range kubevalidation.IsQualifiedName(key) {
			d.at(path, "%q is no label key: %s", key, message)
		}
		for _, message := range kubevalidation.IsValidLabelValue(e.Metadata.Labels[key]) {
			d.at(path, "%q is no label value: %s", e.Metadata.Labels[key], message)
		}
	}
}

// checkName judges a name that becomes part of paths and pool names.
func (d *document) checkName(path, name string) {
	if !isDNSLabel(name) {
		d.at(path, "%q is no DNS-1123 label; use up to 63 lower-case letters, digits and dashes, with a letter or digit at both ends", name)
	}
}

// labelName is what every version of Prometheus takes as a label's name.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// checkLabelName judges the name of a label that a document sets on targets.
func (d *document) checkLabelName(path, name string) {
	switch {
	case name == "job":
		d.at(path, "the label job cannot be set here; use spec.jobName")
	case len(name) >= 2 && name[:2] == "__":
		d.at(path, "labels beginning with __ are Prometheus's own; use another name")
	case !labelName.MatchString(name):
		d.at(path, "%q is no label name; use letters, digits and underscores, not beginning with a digit", name)
	}
}

// checkKubernetesSelector has Kubernetes's own code judge a selector over metadata.labels.
func (d *document) checkKubernetesSelector(path string, s *metav1.LabelSelector) {
	if s == nil {
		return
	}
	root := kubefield.NewPath("spec", path)
	for _, err := range validation.ValidateLabelSelector(s, validation.LabelSelectorValidationOptions{}, root) {
		switch {
		case err.Type == kubefield.ErrorTypeRequired && d.missing(err.Field):
			d.at(parent(err.Field), "needs values; write values: [...]")
		case strings.HasSuffix(err.Field, ".operator"):
			d.at(err.Field, "%q is no operator; %s", err.BadValue, suggest(fmt.Sprint(err.BadValue), operators()))
		default:
			d.at(err.Field, "%s", err.ErrorBody())
		}
	}
}
