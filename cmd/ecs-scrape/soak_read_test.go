package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/scrape"
)

// errMoving says that the directory changed while it was read.
var errMoving = errors.New("it is being written")

// soakReader reads an output directory with Prometheus's own packages, as a
// Prometheus would that starts now. What has not changed is not read again. It is
// for one goroutine.
type soakReader struct {
	path   string
	config string // the generation that jobs are of
	jobs   []soakJob
	read   map[soakFileOf]soakTargets
}

// soakJob is a job of the configuration, and the files that it reads.
type soakJob struct {
	*config.ScrapeConfig
	globs []string
}

type soakFileOf struct{ job, path string }

// soakTargets are what a job makes of a file.
type soakTargets struct {
	stamp   string
	targets []soakTarget
}

// soakTarget is a target of ours as Prometheus would have it.
type soakTarget struct {
	key, address, object, job string
}

func newSoakReader(output string) *soakReader { return &soakReader{path: output} }

// state is what tells whether anything has changed: the link, and each target
// file's identity.
func (r *soakReader) state() (map[string]string, error) {
	link, err := os.Readlink(filepath.Join(r.path, "current"))
	if err != nil {
		return nil, err
	}
	out := map[string]string{"current": link}
	paths, err := filepath.Glob(filepath.Join(r.path, "targets", "*", "*", "*.json"))
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, errMoving
		}
		out[p] = fmt.Sprintf("%d %d", info.ModTime().UnixNano(), info.Size())
	}
	return out, nil
}

// targets are all that Prometheus would scrape for us, and the first thing that
// it would refuse. errMoving has the caller look again.
func (r *soakReader) targets(state map[string]string) ([]soakTarget, error) {
	if err := r.load(state["current"]); err != nil {
		return nil, err
	}
	var out []soakTarget
	for _, job := range r.jobs {
		for _, path := range job.files(state) {
			found, err := r.file(job, path, state[path])
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
	}
	return out, nil
}

// load reads a configuration and its rules where they are not those of the last
// time.
func (r *soakReader) load(link string) error {
	if r.config == link {
		return nil
	}
	log := slog.New(slog.DiscardHandler)
	cfg, err := config.LoadFile(filepath.Join(r.path, link, "prometheus.yml"), false, log)
	if err != nil {
		return err
	}
	for _, name := range cfg.RuleFiles {
		if _, errs := rulefmt.ParseFile(name, false, model.UTF8Validation, parser.NewParser(parser.Options{}), log); len(errs) > 0 {
			return errors.Join(errs...)
		}
	}
	all, err := cfg.GetScrapeConfigs()
	if err != nil {
		return err
	}
	r.jobs, r.read = nil, map[soakFileOf]soakTargets{}
	for _, one := range all {
		job := soakJob{ScrapeConfig: one}
		for _, sd := range one.ServiceDiscoveryConfigs {
			if files, ok := sd.(*file.SDConfig); ok {
				job.globs = append(job.globs, files.Files...)
			}
		}
		r.jobs = append(r.jobs, job)
	}
	r.config = link
	return nil
}

// files are those of the state that the job reads.
func (j soakJob) files(state map[string]string) []string {
	var out []string
	for path := range state {
		for _, glob := range j.globs {
			if ok, err := filepath.Match(glob, path); err == nil && ok {
				out = append(out, path)
			}
		}
	}
	slices.Sort(out)
	return out
}

// file is what a job makes of a target file.
func (r *soakReader) file(job soakJob, path, stamp string) ([]soakTarget, error) {
	key := soakFileOf{job.JobName, path}
	if known, ok := r.read[key]; ok && known.stamp == stamp {
		return known.targets, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, errMoving
	}
	var groups []*targetgroup.Group
	if err := json.Unmarshal(data, &groups); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var out []soakTarget
	for i, g := range groups {
		if g == nil {
			return nil, fmt.Errorf("%s: group %d is null", path, i)
		}
		targets, failed := scrape.TargetsFromGroup(g, job.ScrapeConfig, nil, labels.NewBuilder(labels.EmptyLabels()))
		if len(failed) > 0 {
			return nil, fmt.Errorf("%s: %w", path, errors.Join(failed...))
		}
		for _, t := range targets {
			if found, ok := soaked(job.JobName, t); ok {
				out = append(out, found)
			}
		}
	}
	r.read[key] = soakTargets{stamp, out}
	return out, nil
}

// soaked is false of a target that is dropped, or not of a task.
func soaked(job string, t *scrape.Target) (soakTarget, bool) {
	final := t.Labels(labels.NewBuilder(labels.EmptyLabels()))
	task := final.Get("ecs_task_id")
	if task == "" {
		return soakTarget{}, false
	}
	address := t.URL().Host
	return soakTarget{key: task + " " + address, address: address, object: final.Get("soaked"), job: job}, true
}
