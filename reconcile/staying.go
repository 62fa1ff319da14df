package reconcile

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

// job is one of a rendered configuration that scrapes a pool of ours.
type job struct {
	name, path string // of the pool
	text       []byte // its settings as they are written
	secret     bool   // it shows credentials
}

// poolJobs are the jobs of a rendered configuration that have target files of ours,
// by the path of the file.
func poolJobs(files artifact.Files) (map[string]job, error) {
	var main struct {
		Jobs []yaml.Node `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(files[artifact.ConfigFile], &main); err != nil {
		return nil, fmt.Errorf("read %s: %w", artifact.ConfigFile, err)
	}
	out := map[string]job{}
	for i := range main.Jobs {
		n := &main.Jobs[i]
		name := spec.Field(n, "job_name")
		if name == nil || !strings.HasPrefix(name.Value, plan.ReservedJobPrefix) {
			continue
		}
		text, err := yaml.Marshal(n)
		if err != nil {
			return nil, fmt.Errorf("read job %s: %w", name.Value, err)
		}
		if p := targetFile(n, name.Value); p != "" {
			out[p] = job{name: name.Value, path: p, text: text, secret: plan.HasCredentials(n)}
		}
	}
	return out, nil
}

// targetFile is the path of the one file that has a job's targets; "" if it reads
// none of ours. Own pools share a directory, and classes have one each.
func targetFile(n *yaml.Node, name string) string {
	var sd []struct {
		Files []string `yaml:"files"`
	}
	field := spec.Field(n, "file_sd_configs")
	if field == nil || field.Decode(&sd) != nil || len(sd) == 0 || len(sd[0].Files) == 0 {
		return ""
	}
	p, ok := strings.CutPrefix(sd[0].Files[0], "../")
	if own, is := strings.CutPrefix(name, ownPrefix); is {
		return path.Join(path.Dir(p), own+".json")
	}
	if !ok {
		return ""
	}
	return path.Join(path.Dir(p), "targets.json")
}

// same says that both scrape with the very same settings.
func (j job) same(o job) bool { return j.name != "" && bytes.Equal(j.text, o.text) }
