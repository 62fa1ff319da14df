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
	// Endpoints are what to scrape of each selected task: at least one, unless
	// Convention is given.
	Endpoints []Endpoint `json:"endpoints,omitempty"`
	// Convention takes what to scrape from what the containers themselves say,
	// in the words of another tool: prometheus-ecs-sd, prometheus-ecs-discovery,
	// cloudwatch-agent or prometheus.io. Given instead of Endpoints.
	Convention string `json:"convention,omitempty"`
	// ScrapeClass names a class of the PrometheusConfig; "" is "default".
	ScrapeClass string `json:"scrapeClass,omitempty"`
	// JobName is the job label; "" is what the convention says, else the ECS
	// service, else the family.
	JobName string `json:"jobName,omitempty"`
	// Labels are added to every target; an empty value drops a default label.
	Labels map[string]string `json:"labels,omitempty"`
	// LabelsFrom are labels whose value is found with the task. One that has a
	// value wins over Labels and over the default labels.
	LabelsFrom map[string]LabelSource `json:"labelsFrom,omitempty"`
	// RelabelConfigs are Prometheus's relabel_config, run by the controller over
	// the __meta_ecs_* labels and all that Prometheus would start from.
	RelabelConfigs Verbatim `json:"relabelConfigs,omitzero"`
	// ScrapeConfig holds job-level scrape_config fields in Prometheus's
	// spelling. It gives this object a pool of its own.
	ScrapeConfig Verbatim `json:"scrapeConfig,omitzero"`
}

// Selector chooses containers. All given parts must hold; an absent part holds.
type Selector struct {
	// Accounts are ids of twelve digits, in quotes.
	Accounts []string `json:"accounts,omitempty"`
	// Regions and AvailabilityZones are names.
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
	// TaskTags and ServiceTags are evaluated per task. A task that no service
	// started has no service tags.
	TaskTags    *LabelSelector `json:"taskTags,omitempty"`
	ServiceTags *LabelSelector `json:"serviceTags,omitempty"`
	// DockerLabels and Environment are evaluated per container; Environment
	// includes the task's run-time overrides.
	DockerLabels *LabelSelector `json:"dockerLabels,omitempty"`
	Environment  *LabelSelector `json:"environment,omitempty"`
}

// LabelSelector has the fields and operators of Kubernetes's LabelSelector, but
// keys and values are arbitrary strings: what AWS allows, Kubernetes does not.
type LabelSelector struct {
	// MatchLabels are keys with the value that each must have.
	MatchLabels map[string]string `json:"matchLabels,omitempty"`
	// MatchExpressions must all hold too.
	MatchExpressions []Requirement `json:"matchExpressions,omitempty"`
}

// Requirement is one expression of a LabelSelector. NotIn and DoesNotExist
// match an absent key.
type Requirement struct {
	// Key is the name to look at.
	Key string `json:"key"`
	// Operator is In, NotIn, Exists or DoesNotExist.
	Operator string `json:"operator"`
	// Values are required for In and NotIn, and for no other operator.
	Values []string `json:"values,omitempty"`
}

// Endpoint is one port and path to scrape. Port or PortFrom is required.
type Endpoint struct {
	// Port is a port mapping's name, or a container port. Beside PortFrom it is
	// for containers that have no such value.
	Port Port `json:"port,omitzero"`
	// PortFrom is where each container tells its port: a number, or a port
	// mapping's name.
	PortFrom *ValueSource `json:"portFrom,omitempty"`
	// Path is the metrics path; "" is /metrics. Beside PathFrom it is for
	// containers that have no such value.
	Path string `json:"path,omitempty"`
	// PathFrom is where each container tells its metrics path.
	PathFrom *ValueSource `json:"pathFrom,omitempty"`
	// Scheme is http or https; "" is the class's, else http.
	Scheme string `json:"scheme,omitempty"`
	// Interval and Timeout are Prometheus durations such as 30s; "" is the
	// class's, else the global one.
	Interval string `json:"interval,omitempty"`
	Timeout  string `json:"timeout,omitempty"`
	// Params are URL parameters. Each has one value and a name that may be a
	// label's: others need scrapeConfig.params, and so a pool.
	Params map[string][]string `json:"params,omitempty"`
}

// ValueSource names a value of a container; exactly one field is set.
type ValueSource struct {
	// Environment is the name of an environment variable; overrides win.
	Environment string `json:"environment,omitempty"`
	// DockerLabel is the key of a docker label.
	DockerLabel string `json:"dockerLabel,omitempty"`
}

// LabelSource names a value of a task or container; exactly one field is set.
type LabelSource struct {
	// TaskTag, ServiceTag and DockerLabel are the key of a tag or docker label.
	TaskTag     string `json:"taskTag,omitempty"`
	ServiceTag  string `json:"serviceTag,omitempty"`
	DockerLabel string `json:"dockerLabel,omitempty"`
	// Environment publishes the value of that variable.
	Environment string `json:"environment,omitempty"`
	// Meta is one of the __meta_ecs_* labels.
	Meta string `json:"meta,omitempty"`
}

// Port is a port mapping's name or a container port; exactly one is set.
// In YAML it is a string or an integer; digits only are a number either way.
type Port struct {
	Name   string
	Number uint16
}

// PrometheusConfigSpec is the configuration of one Prometheus.
type PrometheusConfigSpec struct {
	// Prometheus says what will load the configuration, so that it is judged as
	// the live one does.
	Prometheus PrometheusVersion `json:"prometheus,omitzero"`
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
	// SelfScrape adds jobs for this Prometheus and for the controller; absent: true.
	SelfScrape *bool `json:"selfScrape,omitempty"`
	// IPFamily is IPv4 or IPv6: which address a target has where its task or
	// instance has both; "" is IPv4. Where there is none of it, the other is taken.
	IPFamily string `json:"ipFamily,omitempty"`
	// Shards is how many Prometheus share the targets, by hash of the final
	// address; 0 is 1. Each is told which it is by --prometheus.shard.
	Shards int `json:"shards,omitempty"`
	// ScrapeClasses are job-level settings by name. "default" exists undeclared.
	ScrapeClasses []ScrapeClass `json:"scrapeClasses,omitempty"`
	// Alertmanagers are found on ECS and added to alerting.alertmanagers.
	Alertmanagers []Alertmanager `json:"alertmanagers,omitempty"`
	// Enforced holds for every ScrapeTarget, whatever it says itself.
	Enforced Enforced `json:"enforced,omitzero"`
}

// PrefersIPv6 says that of two addresses the IPv6 one is scraped.
func (s *PrometheusConfigSpec) PrefersIPv6() bool { return s.IPFamily == ipv6 }

// PrometheusVersion is the Prometheus that will load a configuration.
type PrometheusVersion struct {
	// Version is such as "3.15" or "2.53.1"; "" is not known: of label names on
	// targets only what every version takes will do then.
	Version string `json:"version,omitempty"`
	// Features are those of --enable-feature.
	Features []string `json:"features,omitempty"`
	// Agent is --agent: no rules, no alerting.
	Agent bool `json:"agent,omitempty"`
}

// Alertmanager finds Alertmanagers among the running tasks.
type Alertmanager struct {
	// Name is a DNS-1123 label, unique within the PrometheusConfig.
	Name string `json:"name"`
	// Selector chooses the containers that are Alertmanagers.
	Selector Selector `json:"selector"`
	// Port is a port mapping's name, or a container port.
	Port Port `json:"port"`
	// Config holds alertmanager_config fields in Prometheus's spelling: scheme,
	// path_prefix, timeout, auth, TLS, relabelling of alerts.
	Config Verbatim `json:"config,omitzero"`
}

// Enforced are limits that the operator sets. 0 is no limit.
type Enforced struct {
	// SampleLimit, LabelLimit and BodySizeLimit are upper bounds of the
	// scrape_config fields of all pools.
	SampleLimit   uint64 `json:"sample_limit,omitempty"`
	LabelLimit    uint64 `json:"label_limit,omitempty"`
	BodySizeLimit Size   `json:"body_size_limit,omitempty"`
	// MinInterval is the shortest scrape interval; shorter ones are raised.
	MinInterval string `json:"min_interval,omitempty"`
	// TargetsPerObject is how many targets one ScrapeTarget may have; the rest
	// is withheld.
	TargetsPerObject int `json:"targets_per_object,omitempty"`
}

// Size is a number of bytes as Prometheus spells it, such as 10MB; "" or 0 is
// no limit.
type Size string

// ECSSource is a region, or part of it, of an account.
type ECSSource struct {
	// Region is required here; there is no default once ecs is given.
	Region string `json:"region"`
	// RoleARN is assumed where given, with ExternalID.
	RoleARN    string `json:"roleARN,omitempty"`
	ExternalID string `json:"externalID,omitempty"`
	// Clusters are names; globs as in path.Match. Absent: all.
	Clusters []string `json:"clusters,omitempty"`
	// EventsQueue is the URL of the SQS queue that ECS events of this account and
	// region arrive in, through EventBridge. Several entries may name one queue,
	// which is then read once. Absent: the entry is polled.
	EventsQueue string `json:"eventsQueue,omitempty"`
}

// ScrapeClass is one scrape pool that many ScrapeTargets share.
type ScrapeClass struct {
	// Name is a DNS-1123 label, unique within the PrometheusConfig.
	Name string `json:"name"`
	// ScrapeConfig holds job-level scrape_config fields: auth, TLS, proxy, limits.
	ScrapeConfig Verbatim `json:"scrapeConfig,omitzero"`
	// AllowedFor chooses by metadata.labels the ScrapeTargets that may use the
	// class; absent: all.
	AllowedFor *metav1.LabelSelector `json:"allowedFor,omitempty"`
	// AllowRetarget lets ScrapeTargets of a class with credentials set a proxy,
	// headers, the scheme or another address.
	AllowRetarget bool `json:"allowRetarget,omitempty"`
}

// PrometheusRuleSpec holds groups exactly as in a rule file.
type PrometheusRuleSpec struct {
	// Groups are judged and evaluated by Prometheus.
	Groups Verbatim `json:"groups"`
}
