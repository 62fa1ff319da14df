package spec

import (
	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// APIVersion is the version of the kinds of this package.
const APIVersion = "ecs-scrape/v1"

// Kinds of documents.
const (
	KindScrapeTarget     = "ScrapeTarget"
	KindPrometheusConfig = "PrometheusConfig"
	KindPrometheusRule   = "PrometheusRule"
)

// Metadata identifies an object and lets selectors choose it.
type Metadata struct {
	// Name is a DNS-1123 label, unique within the kind.
	Name string `json:"name"`
	// Labels are what selectors match. Kubernetes's rules for label keys and values hold.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations are carried and ignored.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Verbatim is a piece of YAML that belongs to Prometheus: carried as its node,
// in Prometheus's own spelling, written back as it stood and judged by
// Prometheus's own code. Its zero value is an absent field.
type Verbatim struct {
	// Node is nil where the field is absent. Aliases are resolved and comments
	// are removed; line and column are those of the document. Not to be changed.
	Node *yaml.Node
}

// ScrapeTargetSpec selects containers and says how to scrape them.
type ScrapeTargetSpec struct {
	Selector Selector `json:"selector"`
	// Endpoints are what to scrape of each selected task. At least one.
	Endpoints []Endpoint `json:"endpoints"`
	// ScrapeClass names a class of the PrometheusConfig; "" is "default".
	ScrapeClass string `json:"scrapeClass,omitempty"`
	// JobName is the job label; "" is the ECS service, else the family.
	JobName string `json:"jobName,omitempty"`
	// Labels are added to every target; an empty value drops a default label.
	Labels map[string]string `json:"labels,omitempty"`
	// ScrapeConfig holds job-level scrape_config fields in Prometheus's
	// spelling. It gives this object a pool of its own.
	ScrapeConfig Verbatim `json:"scrapeConfig,omitzero"`
}

// Selector chooses containers. All given parts must hold; an absent part holds.
type Selector struct {
	Accounts          []string `json:"accounts,omitempty"`
	Regions           []string `json:"regions,omitempty"`
	AvailabilityZones []string `json:"availabilityZones,omitempty"`
	// Clusters, Services, Families and Containers are names; globs as in path.Match.
	Clusters   []string `json:"clusters,omitempty"`
	Services   []string `json:"services,omitempty"`
	Families   []string `json:"families,omitempty"`
	Containers []string `json:"containers,omitempty"`
	// LaunchTypes are EC2, FARGATE, EXTERNAL or MANAGED_INSTANCES.
	LaunchTypes []string `json:"launchTypes,omitempty"`
	// HealthStatus is HEALTHY, UNHEALTHY or UNKNOWN; a task without a health check is UNKNOWN.
	HealthStatus []string `json:"healthStatus,omitempty"`
	// DockerLabels and Environment are evaluated per container; Environment
	// includes the task's run-time overrides.
	DockerLabels *LabelSelector `json:"dockerLabels,omitempty"`
	Environment  *LabelSelector `json:"environment,omitempty"`
}

// LabelSelector has the fields and operators of Kubernetes's LabelSelector, but
// keys and values are arbitrary strings: what AWS allows, Kubernetes does not.
type LabelSelector struct {
	MatchLabels      map[string]string `json:"matchLabels,omitempty"`
	MatchExpressions []Requirement     `json:"matchExpressions,omitempty"`
}

// Requirement is one expression of a LabelSelector. NotIn and DoesNotExist
// match an absent key.
type Requirement struct {
	Key string `json:"key"`
	// Operator is In, NotIn, Exists or DoesNotExist.
	Operator string   `json:"operator"`
	Values   []string `json:"values,omitempty"`
}

// Endpoint is one port and path to scrape.
type Endpoint struct {
	// Port is a port mapping's name, or a container port.
	Port Port `json:"port"`
	// Path is the metrics path; "" is /metrics.
	Path string `json:"path,omitempty"`
	// Scheme is http or https; "" is the class's, else http.
	Scheme string `json:"scheme,omitempty"`
	// Interval and Timeout are Prometheus durations such as 30s; "" is the
	// class's, else the global one.
	Interval string `json:"interval,omitempty"`
	Timeout  string `json:"timeout,omitempty"`
}

// Port is a port mapping's name or a container port; exactly one is set.
// In YAML it is a string or an integer; digits only are a number either way.
type Port struct {
	Name   string
	Number uint16
}

// PrometheusConfigSpec is the configuration of one Prometheus.
type PrometheusConfigSpec struct {
	// ECS says what to watch; absent: this task's region, all clusters.
	ECS []ECSSource `json:"ecs,omitempty"`
	// Config is prometheus.yml, verbatim, without what ecs-scrape adds to it.
	Config Verbatim `json:"config,omitzero"`
	// ScrapeTargetSelector and RuleSelector choose objects by metadata.labels;
	// absent: all.
	ScrapeTargetSelector *metav1.LabelSelector `json:"scrapeTargetSelector,omitempty"`
	RuleSelector         *metav1.LabelSelector `json:"ruleSelector,omitempty"`
	// DefaultLabels are the labels given to every target; absent: ecs_cluster,
	// ecs_service, ecs_task_family, ecs_task_id and ecs_container.
	DefaultLabels *[]string `json:"defaultLabels,omitempty"`
	// ScrapeClasses are job-level settings by name. "default" exists undeclared.
	ScrapeClasses []ScrapeClass `json:"scrapeClasses,omitempty"`
}

// ECSSource is a region, or part of it, of an account.
type ECSSource struct {
	// Region is required here; there is no default once ecs is given.
	Region string `json:"region"`
	// RoleARN is assumed where given, with ExternalID.
	RoleARN    string `json:"roleARN,omitempty"`
	ExternalID string `json:"externalID,omitempty"`
	// Clusters are names; globs as in path.Match. Absent: all.
	Clusters []string `json:"clusters,omitempty"`
}

// ScrapeClass is one scrape pool that many ScrapeTargets share.
type ScrapeClass struct {
	Name string `json:"name"`
	// ScrapeConfig holds job-level scrape_config fields: auth, TLS, proxy, limits.
	ScrapeConfig Verbatim `json:"scrapeConfig,omitzero"`
}

// PrometheusRuleSpec holds groups exactly as in a rule file.
type PrometheusRuleSpec struct {
	Groups Verbatim `json:"groups"`
}
