package spec

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	kubevalidation "k8s.io/apimachinery/pkg/util/validation"
)

// Forms of a document.
const (
	formOwn      = iota // a kind of ours, or what is to be judged as one
	formOperator        // of the Prometheus Operator
	formRuleFile        // a rule file of Prometheus
	formList            // objects in a list, as kubectl prints them
)

// operatorGroup begins the apiVersion of the Prometheus Operator's kinds.
const (
	operatorGroup   = "monitoring.coreos.com/"
	operatorVersion = operatorGroup + "v1"
)

// form tells by its first words what a document is.
func form(root *yaml.Node) int {
	version, kind := Field(root, "apiVersion"), Field(root, "kind")
	operator := version != nil && strings.HasPrefix(version.Value, operatorGroup)
	switch {
	case version == nil && kind == nil && Field(root, "groups") != nil:
		return formRuleFile
	case version != nil && kind != nil && (operator || version.Value == "v1") && strings.HasSuffix(kind.Value, "List"):
		return formList
	case operator:
		return formOperator
	}
	return formOwn
}

// operatorEnvelope is a PrometheusRule as it stands in a cluster.
type operatorEnvelope struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Metadata   operatorMetadata `json:"metadata"`
	Spec       operatorRuleSpec `json:"spec"`
	Status     *yaml.Node       `json:"status,omitempty"`
}

// operatorRuleSpec may be without groups.
type operatorRuleSpec struct {
	Groups Verbatim `json:"groups,omitzero"`
}

// operatorMetadata is Kubernetes's ObjectMeta; what is a node is ignored.
type operatorMetadata struct {
	Name                       string            `json:"name"`
	Namespace                  string            `json:"namespace,omitempty"`
	Labels                     map[string]string `json:"labels,omitempty"`
	Annotations                map[string]string `json:"annotations,omitempty"`
	GenerateName               *yaml.Node        `json:"generateName,omitempty"`
	SelfLink                   *yaml.Node        `json:"selfLink,omitempty"`
	UID                        *yaml.Node        `json:"uid,omitempty"`
	ResourceVersion            *yaml.Node        `json:"resourceVersion,omitempty"`
	Generation                 *yaml.Node        `json:"generation,omitempty"`
	CreationTimestamp          *yaml.Node        `json:"creationTimestamp,omitempty"`
	DeletionTimestamp          *yaml.Node        `json:"deletionTimestamp,omitempty"`
	DeletionGracePeriodSeconds *yaml.Node        `json:"deletionGracePeriodSeconds,omitempty"`
	OwnerReferences            *yaml.Node        `json:"ownerReferences,omitempty"`
	Finalizers                 *yaml.Node        `json:"finalizers,omitempty"`
	ManagedFields              *yaml.Node        `json:"managedFields,omitempty"`
	ClusterName                *yaml.Node        `json:"clusterName,omitempty"`
}

// decodeOperator decodes a PrometheusRule of the Prometheus Operator. Its other
// kinds are refused by their kind alone.
func (d *document) decodeOperator(root *yaml.Node) *Object {
	version, kind := Field(root, "apiVersion"), Field(root, "kind")
	switch {
	case kind == nil || isNull(kind):
		d.report(root, "kind", fmt.Sprintf("required beside %s; write kind: %s", version.Value, KindPrometheusRule))
		return nil
	case kind.Value != KindPrometheusRule:
		d.report(kind, "kind", fmt.Sprintf("%q of the Prometheus Operator is not read; %s", kind.Value, operatorRemedy(kind.Value)))
		return nil
	case version.Value != operatorVersion:
		d.report(version, "apiVersion", fmt.Sprintf("is %q; a PrometheusRule is read as %s", version.Value, operatorVersion))
		return nil
	}
	var e operatorEnvelope
	d.decode(root, "", reflect.ValueOf(&e).Elem())
	m := e.Metadata
	object := &Object{
		ID:             ID{Kind: e.Kind, Name: m.Name},
		Metadata:       Metadata{Name: m.Name, Labels: m.Labels, Annotations: m.Annotations},
		PrometheusRule: &PrometheusRuleSpec{Groups: e.Spec.Groups},
	}
	if m.Namespace != "" {
		object.Name = m.Namespace + "." + m.Name
	}
	if d.checkOperatorName(m, object.Name) {
		d.id = object.ID
	}
	d.checkLabels(m.Labels)
	d.checkGroups("spec.groups", object.PrometheusRule, root)
	d.dropStrategies(object.PrometheusRule.Groups.Node)
	return object
}

// longestRuleName keeps the name of a rule file below what file systems take.
const longestRuleName = 250

// checkOperatorName says whether the name and the namespace make an identity.
func (d *document) checkOperatorName(m operatorMetadata, name string) bool {
	switch {
	case m.Namespace != "" && !isDNSLabel(m.Namespace):
		d.at("metadata.namespace", "%q is no name of a namespace; use up to 63 lower-case letters, digits and dashes", m.Namespace)
	case len(kubevalidation.IsDNS1123Subdomain(m.Name)) > 0:
		d.at("metadata.name", "%q is no DNS-1123 subdomain; use lower-case letters, digits, dashes and dots, with a letter or digit at both ends", m.Name)
	case len(name) > longestRuleName:
		d.at("metadata.name", "is with its namespace longer than the %d characters that a file's name may have; shorten it", longestRuleName)
	default:
		return true
	}
	return false
}

// operatorRemedy is what to write here instead of the kind.
func operatorRemedy(kind string) string {
	remedies := map[string]string{
		"ServiceMonitor":     "write a ScrapeTarget whose selector names the ECS services and whose endpoints name the port",
		"PodMonitor":         "write a ScrapeTarget whose selector names the families and containers and whose endpoints name the port",
		"Probe":              "write a ScrapeTarget for what runs on ECS, and a job for the rest under spec.config.scrape_configs of a PrometheusConfig",
		"ScrapeConfig":       "write a ScrapeTarget for what runs on ECS, and a job for the rest under spec.config.scrape_configs of the PrometheusConfig",
		"Prometheus":         "write a PrometheusConfig",
		"PrometheusAgent":    "write a PrometheusConfig with spec.prometheus.agent: true",
		"Alertmanager":       "run it as an ECS service and name it in spec.alertmanagers of a PrometheusConfig",
		"AlertmanagerConfig": "it configures Alertmanager and not Prometheus: keep it where Alertmanager's configuration is made",
		"ThanosRuler":        "it runs a program of its own: describe that as an ECS service",
	}
	if remedy, ok := remedies[kind]; ok {
		return remedy
	}
	return fmt.Sprintf("of its kinds only %s is, and a ScrapeTarget says what to scrape", KindPrometheusRule)
}

// CodePartialResponse is the warning that a group's partial_response_strategy,
// which is Thanos's, was left out.
const CodePartialResponse = "partial-response-strategy"

// dropStrategies takes out of groups what Prometheus does not know and the
// Prometheus Operator takes out too.
func (d *document) dropStrategies(groups *yaml.Node) {
	if groups == nil || groups.Kind != yaml.SequenceNode {
		return
	}
	const name = "partial_response_strategy"
	for i, group := range groups.Content {
		if Field(group, name) == nil {
			continue
		}
		kept := make([]*yaml.Node, 0, len(group.Content))
		for key, value := range Pairs(group) {
			if key.Value != name {
				kept = append(kept, key, value)
				continue
			}
			d.warn(key, join(index("spec.groups", i), name), CodePartialResponse, "is Thanos's and was left out; remove it, Prometheus evaluates the group without it")
		}
		group.Content = kept
	}
}

// ruleFile is a rule file of Prometheus.
type ruleFile struct {
	Groups Verbatim `json:"groups,omitzero"`
}

// decodeRuleFile decodes a rule file as it stands. It has no name of its own,
// so it is named by its path, and a file can hold only one.
func (d *document) decodeRuleFile(root *yaml.Node) *Object {
	object := &Object{ID: ID{Kind: KindPrometheusRule, Name: d.inRoot}, PrometheusRule: new(PrometheusRuleSpec)}
	if wrong := badRulePath(d.inRoot); wrong != "" {
		d.report(root, "", "a rule file is named by its path, and this one "+wrong)
		return nil
	}
	d.id = object.ID
	if d.ruleLine > 0 {
		d.report(root, "", fmt.Sprintf("a rule file begins on line %d already and is named by its file; move these groups into the first, or to a file of their own", d.ruleLine))
		return nil
	}
	d.ruleLine = root.Line
	var f ruleFile
	d.decode(root, "", reflect.ValueOf(&f).Elem())
	object.PrometheusRule.Groups = f.Groups
	d.checkGroups("groups", object.PrometheusRule, root)
	return object
}

// badRulePath says why the path of a file cannot name a rule file, or "".
func badRulePath(name string) string {
	odd := func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`*?[\`, r) }
	parts := strings.Split(name, "/")
	switch {
	case name == "" || path.IsAbs(name) || path.Clean(name) != name || parts[0] == "..":
		return "leads out of the specs or is not in its shortest form; move the file"
	case strings.ContainsFunc(name, odd):
		return `has one of *, ?, [, \ or a control character, which Prometheus would take for a pattern; rename the file`
	case slices.ContainsFunc(parts, func(p string) bool { return len(p) > longestRuleName }):
		return fmt.Sprintf("has a part of more than %d bytes; shorten it", longestRuleName)
	case slices.ContainsFunc(parts[:len(parts)-1], isSpecName):
		return "has a folder that is named like a file of specs; rename the folder"
	}
	return ""
}

func isSpecName(name string) bool {
	return slices.Contains([]string{".yml", ".yaml", ".json"}, path.Ext(name))
}

// checkGroups judges that groups are a list. Where they may be left out, and
// are, they are an empty one.
func (d *document) checkGroups(at string, s *PrometheusRuleSpec, root *yaml.Node) {
	switch n := s.Groups.Node; {
	case n == nil:
		s.Groups.Node = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle, Line: root.Line, Column: root.Column}
	case n.Kind != yaml.SequenceNode:
		d.report(n, at, "must be a list, is "+describe(n)+"; begin each group with a dash")
	}
}
