package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// defaultLabels are the names that defaultLabels may choose from.
var defaultLabels = []string{
	"ecs_account", "ecs_cluster", "ecs_container", "ecs_region", "ecs_service", "ecs_task_family", "ecs_task_id",
}

const ipv6 = "IPv6"

// ipFamilies are the families of addresses that a PrometheusConfig may prefer.
var ipFamilies = []string{"IPv4", ipv6}

func (d *document) checkPrometheusConfig(s *PrometheusConfigSpec) {
	for i := range s.ECS {
		d.checkECSSource(index("spec.ecs", i), &s.ECS[i])
	}
	d.checkConfig("spec.config", s.Config.Node)
	d.checkPrometheusVersion("spec.prometheus", &s.Prometheus)
	d.checkKubernetesSelector("spec.scrapeTargetSelector", s.ScrapeTargetSelector)
	d.checkKubernetesSelector("spec.ruleSelector", s.RuleSelector)
	if s.DefaultLabels != nil {
		for i, name := range *s.DefaultLabels {
			if at := index("spec.defaultLabels", i); !slices.Contains(defaultLabels, name) {
				d.at(at, "%q is no default label; %s", name, suggest(name, defaultLabels))
			}
		}
	}
	if s.IPFamily != "" && !slices.Contains(ipFamilies, s.IPFamily) {
		d.at("spec.ipFamily", "%q is no address family; %s", s.IPFamily, oneOf(s.IPFamily, ipFamilies))
	}
	d.checkClasses(s.ScrapeClasses)
	d.checkAlertmanagers(s.Alertmanagers)
	d.checkEnforced("spec.enforced", &s.Enforced)
}

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+$`)

func (d *document) checkECSSource(at string, s *ECSSource) {
	if s.Region == "" {
		d.at(at+".region", "is empty; %s", remedyForMissing("region"))
	}
	if s.RoleARN != "" && !roleARN.MatchString(s.RoleARN) {
		d.at(at+".roleARN", "%q is no ARN of a role; write arn:aws:iam::ACCOUNT:role/NAME", s.RoleARN)
	}
	d.checkGlobs(at+".clusters", s.Clusters)
	if s.EventsQueue != "" {
		if err := CheckQueueURL(s.EventsQueue); err != nil {
			d.at(at+".eventsQueue", "%v", err)
		}
	}
}

// CheckQueueURL says what is wrong with the URL of an SQS queue, and what to
// write.
func CheckQueueURL(text string) error {
	switch {
	case queueURL.MatchString(text):
		return nil
	case queueURL.MatchString(strings.TrimSuffix(text, ".fifo")):
		return fmt.Errorf("%q is a FIFO queue, to which EventBridge delivers in an order that would hold every event back; make it a standard queue", text)
	}
	return fmt.Errorf("%q is no URL of an SQS queue; write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, as SQS shows it", text)
}

// queueURL ends with the account and the name of a standard queue (Amazon SQS
// Developer Guide, "Queue and message identifiers").
var queueURL = regexp.MustCompile(`^https?://[^/?#@\s]+/[0-9]{12}/[A-Za-z0-9_-]{1,80}$`)

func (d *document) checkClasses(classes []ScrapeClass) {
	seen := make(map[string]int)
	for i := range classes {
		at := index("spec.scrapeClasses", i)
		d.checkUnique(at+".name", "a class", classes[i].Name, seen)
		d.checkClassScrapeConfig(at+".scrapeConfig", classes[i].ScrapeConfig.Node)
		d.checkKubernetesSelector(at+".allowedFor", classes[i].AllowedFor)
	}
}

func (d *document) checkPrometheusRule(s *PrometheusRuleSpec) {
	if n := s.Groups.Node; n != nil && n.Kind != yaml.SequenceNode {
		d.report(n, "spec.groups", "must be a list, is "+describe(n)+"; write it as in a rule file")
	}
}

// prometheusVersion is a version of Prometheus, to the minor at least.
var prometheusVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+(\.[0-9]+)?$`)

// featureName is one name that --enable-feature takes.
var featureName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func (d *document) checkPrometheusVersion(at string, p *PrometheusVersion) {
	bare := strings.TrimLeft(p.Version, "vV")
	switch {
	case p.Version == "" || prometheusVersion.MatchString(p.Version):
	case bare != p.Version && prometheusVersion.MatchString(bare):
		d.at(at+".version", "%q begins with a letter; write %q", p.Version, bare)
	default:
		d.at(at+".version", `%q is no version; write numbers and dots alone, such as "3.15" or "2.53.1"`, p.Version)
	}
	for i, feature := range p.Features {
		switch at := index(at+".features", i); {
		case feature == "":
			d.at(at, "is an empty feature; remove it")
		case strings.Contains(feature, ","):
			d.at(at, "%q holds several features; write each as an item of the list", feature)
		case !featureName.MatchString(feature):
			d.at(at, "%q is no name of a feature; write it as --enable-feature has it", feature)
		}
	}
}

func (d *document) checkEnforced(at string, e *Enforced) {
	if _, err := model.ParseDuration(e.MinInterval); e.MinInterval != "" && err != nil {
		d.at(at+".min_interval", "%q is no interval; write a number and a unit, such as 15s, or 0s for no limit", e.MinInterval)
	}
}

func (d *document) checkAlertmanagers(all []Alertmanager) {
	seen := make(map[string]int)
	for i := range all {
		at := index("spec.alertmanagers", i)
		d.checkUnique(at+".name", "an Alertmanager", all[i].Name, seen)
		d.checkSelector(at+".selector", &all[i].Selector)
		d.checkAlertmanagerConfig(at+".config", all[i].Config.Node)
	}
}

// checkUnique judges a name within a list; seen holds the line of each name.
func (d *document) checkUnique(at, what, name string, seen map[string]int) {
	d.checkName(at, name)
	n := d.places[at]
	if n != nil && seen[name] > 0 {
		d.at(at, "%s %q is already on line %d; rename or remove one", what, name, seen[name])
	} else if n != nil {
		seen[name] = n.Line
	}
}
