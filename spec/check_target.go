package spec

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

func (d *document) checkScrapeTarget(s *ScrapeTargetSpec) {
	d.checkSelector("spec.selector", &s.Selector)
	d.checkWhat(s)
	for i := range s.Endpoints {
		d.checkEndpoint(index("spec.endpoints", i), &s.Endpoints[i])
	}
	if s.ScrapeClass != "" {
		d.checkName("spec.scrapeClass", s.ScrapeClass)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		d.checkLabelName(join("spec.labels", name), name)
	}
	d.checkLabelsFrom("spec.labelsFrom", s.LabelsFrom)
	if n := s.RelabelConfigs.Node; n != nil && n.Kind != yaml.SequenceNode {
		d.report(n, "spec.relabelConfigs", "must be a list, is "+describe(n)+"; write each relabel_config with a dash before it")
	}
	d.checkTargetScrapeConfig("spec.scrapeConfig", s.ScrapeConfig.Node)
}

// conventions are the presets that a ScrapeTarget may name.
var conventions = []string{"prometheus-ecs-sd", "prometheus-ecs-discovery", "cloudwatch-agent", "prometheus.io"}

// launchTypes and healthStatuses are what ECS says of a task.
var (
	launchTypes    = []string{"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"}
	healthStatuses = []string{"HEALTHY", "UNHEALTHY", "UNKNOWN"}
)

// checkWhat judges that exactly one of endpoints and convention is there.
func (d *document) checkWhat(s *ScrapeTargetSpec) {
	switch {
	case s.Convention != "" && len(s.Endpoints) > 0:
		d.at("spec.convention", "is given beside endpoints; keep one of the two, and write another ScrapeTarget for the other")
	case s.Convention != "":
		if !slices.Contains(conventions, s.Convention) {
			d.at("spec.convention", "%q is no convention; %s", s.Convention, oneOf(s.Convention, conventions))
		}
	case d.places["spec.endpoints"] != nil && len(s.Endpoints) == 0:
		d.at("spec.endpoints", "is empty; %s", remedyForMissing("endpoints"))
	case d.missing("spec.endpoints") && !misspelt[ScrapeTargetSpec](d, "spec", "endpoints", "convention"):
		d.at("spec", "needs endpoints or a convention; %s", remedyForMissing("endpoints"))
	}
}

func (d *document) checkSelector(at string, s *Selector) {
	for i, account := range s.Accounts {
		if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
			d.at(index(at+".accounts", i), "%q is no account id; write its 12 digits in quotes", account)
		}
	}
	d.checkNotEmpty(at+".regions", s.Regions)
	d.checkNotEmpty(at+".availabilityZones", s.AvailabilityZones)
	d.checkGlobs(at+".clusters", s.Clusters)
	d.checkGlobs(at+".services", s.Services)
	d.checkGlobs(at+".families", s.Families)
	d.checkGlobs(at+".containers", s.Containers)
	d.checkChoices(at+".launchTypes", s.LaunchTypes, launchTypes)
	d.checkChoices(at+".healthStatus", s.HealthStatus, healthStatuses)
	d.checkLabelSelector(at+".taskTags", s.TaskTags)
	d.checkLabelSelector(at+".serviceTags", s.ServiceTags)
	d.checkLabelSelector(at+".dockerLabels", s.DockerLabels)
	d.checkLabelSelector(at+".environment", s.Environment)
}

func (d *document) checkNotEmpty(at string, values []string) {
	for i, v := range values {
		if v == "" {
			d.at(index(at, i), "is empty and matches nothing; remove it, or leave the field out to match all")
		}
	}
}

func (d *document) checkGlobs(at string, globs []string) {
	d.checkNotEmpty(at, globs)
	for i, g := range globs {
		if _, err := path.Match(g, ""); err != nil {
			d.at(index(at, i), `%q is no pattern; *, ? and [a-z] are special, \ takes the meaning away`, g)
		}
	}
}

func (d *document) checkChoices(at string, values, choices []string) {
	for i, v := range values {
		if !slices.Contains(choices, v) {
			d.at(index(at, i), "%q is unknown; %s", v, suggest(v, choices))
		}
	}
}

func (d *document) checkLabelSelector(at string, s *LabelSelector) {
	if s == nil {
		return
	}
	if _, ok := s.MatchLabels[""]; ok {
		d.at(join(at+".matchLabels", ""), "has an empty key; write the name to look at")
	}
	for i := range s.MatchExpressions {
		d.checkRequirement(index(at+".matchExpressions", i), &s.MatchExpressions[i])
	}
}

func (d *document) checkRequirement(at string, r *Requirement) {
	if r.Key == "" {
		d.at(at+".key", "is empty; %s", remedyForMissing("key"))
	}
	switch r.Operator {
	case OperatorIn, OperatorNotIn:
		if len(r.Values) == 0 && (d.places[at+".values"] != nil || d.missing(at+".values")) {
			d.at(at, "%s needs values; write values: [...]", r.Operator)
		}
	case OperatorExists, OperatorDoesNotExist:
		if len(r.Values) > 0 {
			d.at(at+".values", "%s takes no values; remove them, or use In or NotIn", r.Operator)
		}
	default:
		d.at(at+".operator", "%q is no operator; %s", r.Operator, suggest(r.Operator, operators()))
	}
}

// duration is a Prometheus duration, or 0 where it is absent or wrong.
func (d *document) duration(at, text string) time.Duration {
	if text == "" {
		return 0
	}
	v, err := model.ParseDuration(text)
	if err != nil {
		d.at(at, "%q is no duration; write a number and a unit, such as 30s or 1m30s", text)
		return 0
	}
	if v == 0 {
		d.at(at, "must be longer than zero; leave it out for the default")
	}
	return time.Duration(v)
}

// missing says whether a field of a well-formed mapping was left out or null.
func (d *document) missing(at string) bool {
	above := parent(at)
	n, ok := d.places[above]
	if !ok {
		return false
	}
	value := Field(n, strings.TrimPrefix(at, above+"."))
	return value == nil || isNull(value)
}

// parent is the path of the mapping that has the field.
func parent(at string) string {
	return at[:max(0, strings.LastIndexByte(at, '.'))]
}

// misspelt says whether a mapping that is decoded as T has an unknown field that
// is likely meant to be one of the named; that has been reported.
func misspelt[T any](d *document, at string, names ...string) bool {
	known := d.known.of(reflect.TypeFor[T]())
	for key := range Pairs(d.places[at]) {
		if _, ok := known.byName[key.Value]; !ok && slices.Contains(names, nearest(key.Value, known.names())) {
			return true
		}
	}
	return false
}
