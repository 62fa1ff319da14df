package plan

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"slices"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/spec"
)

// ReservedJobPrefix begins the names of all jobs that are ours.
const ReservedJobPrefix = "ecs-scrape/"

// PoolLabel keeps apart the own pools that share one file_sd_configs.
const PoolLabel = "__ecs_scrape_pool"

// refreshInterval is how often Prometheus reads target files again where the
// kernel does not tell it of a change. A re-read of 20,000 targets costs it
// 0.6 CPU seconds, so 30 s is about 2% of a core at that size.
const refreshInterval = "30s"

// buckets is the number of directories that own pools are spread over: each
// costs Prometheus one of the 128 inotify instances of its user.
const buckets = 16

const header = "# Written by ecs-scrape from the specs. Edits are overwritten.\n"

// Pool is a scrape pool as the specs define it, before it has targets.
type Pool struct {
	Name   string       // job_name
	Path   string       // of the target file, relative to the output directory
	Own    string       // the ScrapeTarget whose pool it is; "" for a class
	Class  string       // the class; "" where the pool is no ScrapeTarget's
	Object *spec.Object // the ScrapeTarget of an own pool, else nil
	// Alertmanager is the name of the Alertmanagers whose addresses these are:
	// such a pool has a target file and no job.
	Alertmanager string
	self         bool // of this Prometheus, or of the controller
}

// Pools are the pools that the choice defines, by path: one for each class,
// used or not, so that a first user needs no reload, one for each ScrapeTarget
// with a scrapeConfig of its own, and those of selfScrape and alertmanagers.
func (c *Choice) Pools() []Pool {
	pools := slices.Concat(c.ecsPools(), c.selfPools(), c.alertmanagerPools())
	sortByPath(pools)
	return pools
}

// ecsPools are those of ScrapeTargets, by path.
func (c *Choice) ecsPools() []Pool {
	pools := []Pool{classPool(spec.DefaultClass)}
	for _, class := range c.Config.PrometheusConfig.ScrapeClasses {
		if class.Name != spec.DefaultClass {
			pools = append(pools, classPool(class.Name))
		}
	}
	for _, o := range c.Targets {
		if o.ScrapeTarget.ScrapeConfig.Node != nil || c.probing {
			pools = append(pools, ownPool(o))
		}
	}
	sortByPath(pools)
	return pools
}

func classPool(name string) Pool {
	return Pool{
		Name:  ReservedJobPrefix + "class/" + name,
		Path:  "targets/class/" + name + "/targets.json",
		Class: name,
	}
}

func ownPool(o *spec.Object) Pool {
	return Pool{
		Name:   ReservedJobPrefix + "target/" + o.Name,
		Path:   fmt.Sprintf("targets/own/%02d/%s.json", bucket(o.Name), o.Name),
		Own:    o.Name,
		Class:  o.ScrapeTarget.Class(),
		Object: o,
	}
}

func bucket(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return h.Sum32() % buckets
}

// Render writes prometheus.yml and the rule files: a function of the specs
// alone. It judges nothing; the result is for validate.Files. An agent has no
// rule files.
func (c *Choice) Render() (artifact.Files, error) {
	files := artifact.Files{}
	var ruleFiles []*yaml.Node
	for _, o := range c.loadedRules() {
		path := o.RuleFile()
		data, err := encode(mapping(pair("groups", o.PrometheusRule.Groups.Node)))
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", o.ID, err)
		}
		files[path] = data
		ruleFiles = append(ruleFiles, str(path))
	}
	var jobs []*yaml.Node
	for _, p := range c.Pools() {
		if p.Alertmanager == "" {
			jobs = append(jobs, c.job(p))
		}
	}
	data, err := encode(withSecrets(c.main(ruleFiles, jobs)))
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", c.Config.ID, err)
	}
	files[artifact.ConfigFile] = data
	return files, nil
}

func (c *Choice) loadedRules() []*spec.Object {
	if c.Config.PrometheusConfig.Prometheus.Agent {
		return nil
	}
	return c.Rules
}

// main is the user's configuration as it stood, with our Alertmanagers, rule
// files and jobs.
func (c *Choice) main(ruleFiles, jobs []*yaml.Node) *yaml.Node {
	out := mapping()
	scrapeConfigs := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	config := c.Config.PrometheusConfig.Config.Node
	for key, value := range spec.Pairs(config) {
		if key.Value == "scrape_configs" && value.Kind == yaml.SequenceNode {
			scrapeConfigs.Content = append(scrapeConfigs.Content, value.Content...)
			continue
		}
		if key.Value == "alerting" {
			value = c.alerting(value)
		}
		out.Content = append(out.Content, key, value)
	}
	if alerting := c.alerting(nil); alerting != nil && spec.Field(config, "alerting") == nil {
		out.Content = append(out.Content, pair("alerting", alerting)...)
	}
	if len(ruleFiles) > 0 {
		out.Content = append(out.Content, pair("rule_files", sequence(ruleFiles...))...)
	}
	scrapeConfigs.Content = append(scrapeConfigs.Content, jobs...)
	out.Content = append(out.Content, pair("scrape_configs", scrapeConfigs)...)
	return out
}

// job is the scrape_config of a pool.
func (c *Choice) job(p Pool) *yaml.Node {
	job := mapping(pair("job_name", str(p.Name)))
	if p.self {
		job.Content = append(job.Content, pair("file_sd_configs", fileSD("../"+p.Path))...)
		return job
	}
	job.Content = append(job.Content, c.poolConfig(p).Content...)
	glob := "../targets/class/" + p.Class + "/*.json"
	if p.Own != "" {
		glob = fmt.Sprintf("../targets/own/%02d/*.json", bucket(p.Own))
		keep := mapping(
			pair("source_labels", sequence(str(PoolLabel))),
			pair("regex", str(p.Own)),
			pair("action", str("keep")),
		)
		rules := sequence(keep)
		if n := p.Object.ScrapeTarget.RelabelConfigs.Node; c.probing && n != nil {
			rules.Content = append(rules.Content, n.Content...)
		}
		job.Content = append(job.Content, pair("relabel_configs", rules)...)
	}
	job.Content = append(job.Content, pair("file_sd_configs", fileSD(glob))...)
	return job
}

func fileSD(files string) *yaml.Node {
	return sequence(mapping(
		pair("files", sequence(str(files))),
		pair("refresh_interval", str(refreshInterval)),
	))
}

// poolConfig is the class's settings, with the object's over them, and limits
// no higher than what is enforced.
func (c *Choice) poolConfig(p Pool) *yaml.Node {
	var class, own *yaml.Node
	if sc, ok := c.Config.PrometheusConfig.Class(p.Class); ok {
		class = sc.ScrapeConfig.Node
	}
	if p.Object != nil {
		own = p.Object.ScrapeTarget.ScrapeConfig.Node
	}
	return c.enforce(merge(class, own))
}

func encode(n *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(header)
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}
