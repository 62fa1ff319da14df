package spec

import (
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// defaultLabels are the names that defaultLabels may choose from.
var defaultLabels = []string{
	"ecs_account", "ecs_cluster", "ecs_container", "ecs_region", "ecs_service", "ecs_task_family", "ecs_task_id",
}

func (d *document) checkPrometheusConfig(s *PrometheusConfigSpec) {
	for i := range s.ECS {
		d.checkECSSource(index("spec.ecs", i), &s.ECS[i])
	}
	d.checkConfig("spec.config", s.Config.Node)
	d.checkKubernetesSelector("scrapeTargetSelector", s.ScrapeTargetSelector)
	d.checkKubernetesSelector("ruleSelector", s.RuleSelector)
	if s.DefaultLabels != nil {
		for i, name := range *s.DefaultLabels {
			if at := index("spec.defaultLabels", i); !slices.Contains(defaultLabels, name) {
				d.at(at, "%q is no default label; %s", name, suggest(name, defaultLabels))
			}
		}
	}
	d.checkClasses(s.ScrapeClasses)
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
}

func (d *document) checkClasses(classes []ScrapeClass) {
	seen := make(map[string]int)
	for i := range classes {
		at := index("spec.scrapeClasses", i)
		name := classes[i].Name
		d.checkName(at+".name", name)
		n := d.places[at+".name"]
		if n != nil && seen[name] > 0 {
			d.at(at+".name", "a class %q is already on line %d; rename or remove one", name, seen[name])
		} else if n != nil {
			seen[name] = n.Line
		}
		d.checkClassScrapeConfig(at+".scrapeConfig", classes[i].ScrapeConfig.Node)
	}
}

func (d *document) checkPrometheusRule(s *PrometheusRuleSpec) {
	if n := s.Groups.Node; n != nil && n.Kind != yaml.SequenceNode {
		d.report(n, "spec.groups", "must be a list, is "+describe(n)+"; write it as in a rule file")
	}
}
