package spec

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reservedJobs is the prefix of the names of the pools that ecs-scrape writes.
const reservedJobs = "ecs-scrape/"

// checkConfig refuses what would clash with the pools and rules that are added
// to the user's own prometheus.yml, or would break below its moving directory.
func (d *document) checkConfig(at string, n *yaml.Node) {
	if n == nil || !d.mapping(n, at) {
		return
	}
	for key := range Pairs(n) {
		switch key.Value {
		case "rule_files":
			d.report(key, join(at, key.Value), "refused: rule files here would not be validated or published; write their groups as PrometheusRule objects")
		case "scrape_config_files":
			d.report(key, join(at, key.Value), "refused: a broken file would leave Prometheus half reloaded; write its jobs under scrape_configs")
		}
	}
	d.checkJobs(at+".scrape_configs", Field(n, "scrape_configs"))
	visit(n, at, d.checkFile)
}

func (d *document) checkJobs(at string, jobs *yaml.Node) {
	if jobs == nil || jobs.Kind != yaml.SequenceNode {
		return
	}
	seen := make(map[string]int)
	for i, job := range jobs.Content {
		name := Field(job, "job_name")
		if name == nil || name.Kind != yaml.ScalarNode {
			continue
		}
		path := index(at, i) + ".job_name"
		if line := seen[name.Value]; line > 0 {
			d.report(name, path, fmt.Sprintf("a job %q is already on line %d; rename one", name.Value, line))
		} else {
			seen[name.Value] = name.Line
		}
		if strings.HasPrefix(name.Value, reservedJobs) {
			d.report(name, path, fmt.Sprintf("names beginning with %s belong to ecs-scrape's own pools; rename the job", reservedJobs))
		}
	}
}

// checkClassScrapeConfig refuses in a scrape class what only the pool itself sets.
func (d *document) checkClassScrapeConfig(at string, n *yaml.Node) {
	if n == nil || !d.mapping(n, at) {
		return
	}
	for key := range Pairs(n) {
		switch path := join(at, key.Value); {
		case key.Value == "job_name":
			d.report(key, path, "refused: the pool is named after the class; set the job label by spec.jobName of a ScrapeTarget")
		case isDiscovery(key.Value):
			d.report(key, path, "refused: a class scrapes what ScrapeTargets select; put other discovery into spec.config.scrape_configs")
		case key.Value == "target_limit":
			d.report(key, path, "refused: beyond the limit Prometheus fails every target of the class; remove it, or narrow the selectors of ScrapeTargets")
		}
	}
	visit(n, at, d.checkFile)
}

// checkAlertmanagerConfig refuses what says where the Alertmanagers are.
func (d *document) checkAlertmanagerConfig(at string, n *yaml.Node) {
	if n == nil || !d.mapping(n, at) {
		return
	}
	for key := range Pairs(n) {
		if isDiscovery(key.Value) {
			d.report(key, join(at, key.Value), "refused: these Alertmanagers are found by their selector; put others into spec.config.alerting.alertmanagers")
		}
	}
	visit(n, at, d.checkFile)
}

// checkTargetScrapeConfig refuses in a ScrapeTarget what only the pool itself
// sets, and what would let whoever writes it read files of Prometheus's host or
// leave secrets in a spec.
func (d *document) checkTargetScrapeConfig(at string, n *yaml.Node) {
	if n == nil || !d.mapping(n, at) {
		return
	}
	for key := range Pairs(n) {
		switch path := join(at, key.Value); {
		case key.Value == "job_name":
			d.report(key, path, "refused: the pool is named after the object; set the job label by spec.jobName")
		case isDiscovery(key.Value):
			d.report(key, path, "refused: targets come from spec.selector and spec.endpoints; put other discovery into a PrometheusConfig's spec.config.scrape_configs")
		case key.Value == "relabel_configs":
			d.report(key, path, "refused: targets are final when Prometheus reads them; use spec.selector and spec.labels, or metric_relabel_configs for samples")
		}
	}
	visit(n, at, d.checkPrivate)
}

func isDiscovery(key string) bool {
	return strings.HasSuffix(key, "_sd_configs") || key == "static_configs"
}

// setting is a scalar or a list at a key somewhere below a verbatim field.
type setting struct {
	key, value *yaml.Node
	path       string
	header     bool // the value of a header given by the user
}

// FreeForm says whether the keys below a field of prometheus.yml are the user's
// own words, not Prometheus's: a label that is named some_file is no path.
func FreeForm(field string) bool {
	switch field {
	case "annotations", "attributes", "claims", "endpoint_params", "external_labels", "filters",
		"headers", "http_headers", "labels", "node_meta", "params", "required_matchers":
		return true
	}
	return false
}

// visit calls judge for every field below n, but not for words of the user's own.
func visit(n *yaml.Node, at string, judge func(setting)) {
	switch n.Kind {
	case yaml.SequenceNode:
		for i, element := range n.Content {
			visit(element, index(at, i), judge)
		}
	case yaml.MappingNode:
		for key, value := range Pairs(n) {
			path := join(at, key.Value)
			switch {
			case key.Value == "http_headers":
				visitHeaders(value, path, judge)
			case FreeForm(key.Value):
			default:
				judge(setting{key: key, value: value, path: path})
				visit(value, path, judge)
			}
		}
	}
}

func visitHeaders(n *yaml.Node, at string, judge func(setting)) {
	for name, header := range Pairs(n) {
		if header.Kind != yaml.MappingNode {
			continue
		}
		for key, value := range Pairs(header) {
			judge(setting{key: key, value: value, path: join(join(at, name.Value), key.Value), header: true})
		}
	}
}

// namesFiles says whether the setting's value is a path or a list of them.
func (s setting) namesFiles() bool {
	return strings.HasSuffix(s.key.Value, "_file") || s.key.Value == "files"
}

// checkAbsolute refuses relative paths: Prometheus would look for them below a
// directory that is replaced with every change. Lists of files take no secrets.
func (d *document) checkAbsolute(s setting) {
	if !s.namesFiles() {
		return
	}
	if s.value.Kind != yaml.SequenceNode {
		d.checkAbsolutePath(s, s.value, s.path)
		return
	}
	for i, v := range s.value.Content {
		d.checkAbsolutePath(s, v, index(s.path, i))
	}
}

// checkAbsolutePath shows no value that may be a secret itself, written where
// the path of its file belongs.
func (d *document) checkAbsolutePath(s setting, n *yaml.Node, at string) {
	if n.Kind != yaml.ScalarNode || n.Value == "" || strings.HasPrefix(n.Value, "/") {
		return
	}
	what, remedy := strconv.Quote(n.Value)+" ", "write an absolute one"
	if s.header || s.key.Value == "key_file" || isSecretKey(s.key.Value) {
		what, remedy = "", "write an absolute one, or secret:NAME for one that the controller has"
	}
	if s.header {
		remedy = "write the absolute path of the header's file"
	}
	d.report(n, at, fmt.Sprintf("%sis a relative path, and the directory it is relative to is replaced with every change; %s", what, remedy))
}

// checkFile refuses relative paths, but takes secret:NAME.
func (d *document) checkFile(s setting) {
	if !s.takesSecret() || !strings.HasPrefix(s.value.Value, secretReference) {
		d.checkAbsolute(s)
		return
	}
	if _, ok := SecretName(s.value.Value); !ok {
		d.report(s.value, s.path, "names no secret; write secret:NAME with letters, digits and underscores, as in the variable ECS_SCRAPE_SECRET_NAME")
	}
}

// classRemedy is where credentials belong.
const classRemedy = "put it into a scrape class of the PrometheusConfig and name that in spec.scrapeClass"

// checkPrivate refuses paths of files and secrets.
func (d *document) checkPrivate(s setting) {
	switch {
	case s.takesSecret() && strings.HasPrefix(s.value.Value, secretReference):
		d.report(s.key, s.path, "refused: a ScrapeTarget may not use the controller's secrets; "+classRemedy)
	case s.namesFiles():
		d.report(s.key, s.path, "refused: a ScrapeTarget may not name files of Prometheus's host; "+classRemedy)
	case s.isSecret():
		d.report(s.key, s.path, "refused: a ScrapeTarget may not hold secrets; "+classRemedy)
	}
}

// isSecret says whether Prometheus treats the setting's value as a secret.
func (s setting) isSecret() bool {
	if s.header {
		return s.key.Value == "secrets"
	}
	if s.key.Value == "proxy_url" {
		u, err := url.Parse(s.value.Value)
		return err == nil && u.User != nil
	}
	return slices.Contains(secretKeys(), s.key.Value)
}
