package spec

import (
	"fmt"
	"maps"
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
	d.checkLabels(e.Metadata.Labels)
}

// checkLabels judges metadata.labels as Kubernetes does.
func (d *document) checkLabels(labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		path := join("metadata.labels", key)
		for _, message := range kubevalidation.IsQualifiedName(key) {
			d.at(path, "%q is no label key: %s", key, message)
		}
		for _, message := range kubevalidation.IsValidLabelValue(labels[key]) {
			d.at(path, "%q is no label value: %s", labels[key], message)
		}
	}
}

// checkName judges a name that becomes part of paths and pool names.
func (d *document) checkName(path, name string) {
	if !isDNSLabel(name) {
		d.at(path, "%q is no DNS-1123 label; use up to 63 lower-case letters, digits and dashes, with a letter or digit at both ends", name)
	}
}

// checkLabelName judges the name of a label that a document sets on targets.
// Which other characters it may have depends on Prometheus's version, which is
// not known here.
func (d *document) checkLabelName(path, name string) {
	switch {
	case name == "":
		d.at(path, "a label's name is empty; write one, or remove the line")
	case name == "job":
		d.at(path, "the label job cannot be set here; use spec.jobName")
	case strings.HasPrefix(name, "__"):
		d.at(path, "labels beginning with __ are Prometheus's own; use another name")
	}
}

// checkKubernetesSelector has Kubernetes's own code judge a selector over metadata.labels.
func (d *document) checkKubernetesSelector(path string, s *metav1.LabelSelector) {
	if s == nil {
		return
	}
	root := kubefield.NewPath(path)
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
