package inventory

import (
	"maps"
	"slices"
)

// normalised sorts the names and drops doubles, so that equal facts are equal.
func (f Facts) normalised() Facts {
	if len(f.Environment) == 0 {
		f.Environment = nil
		return f
	}
	f.Environment = slices.Compact(slices.Sorted(slices.Values(f.Environment)))
	return f
}

func (f Facts) clone() Facts {
	f.Environment = slices.Clone(f.Environment)
	return f
}

// Holds says whether values of that environment variable may be kept.
func (f Facts) Holds(name string) bool {
	_, ok := slices.BinarySearch(f.Environment, name)
	return ok
}

// Covers says that f asks for everything that other asks for.
func (f Facts) Covers(other Facts) bool { return len(f.Lacks(other)) == 0 }

// Lacks names, in plain words, what other asks for and f does not.
func (f Facts) Lacks(other Facts) []string {
	var out []string
	for _, name := range other.Environment {
		if !f.Holds(name) {
			out = append(out, "the environment variable "+name)
		}
	}
	for _, part := range []struct {
		missing bool
		name    string
	}{
		{other.TaskTags && !f.TaskTags, "the tags of tasks"},
		{other.Services && !f.Services, "the services of tasks"},
		{other.ClusterTags && !f.ClusterTags, "the tags of clusters"},
		{other.Instances && !f.Instances, "the container instances of tasks"},
		{other.Interfaces && !f.Interfaces, "the network interfaces of tasks"},
	} {
		if part.missing {
			out = append(out, part.name)
		}
	}
	return out
}

// meet is what both ask for.
func (f Facts) meet(other Facts) Facts {
	f.TaskTags = f.TaskTags && other.TaskTags
	f.Services = f.Services && other.Services
	f.ClusterTags = f.ClusterTags && other.ClusterTags
	f.Instances = f.Instances && other.Instances
	f.Interfaces = f.Interfaces && other.Interfaces
	names := slices.DeleteFunc(slices.Clone(f.Environment), func(name string) bool { return !other.Holds(name) })
	f.Environment = names
	return f.normalised()
}

// restrict drops from all tasks of a scope what facts do not ask for.
func (c *scopeState) restrict(facts Facts) {
	c.status.Facts = c.status.Facts.meet(facts)
	c.dropOptional(facts)
	for arn, e := range c.entries {
		if t := e.task.restricted(facts); t != e.task {
			e.task = t
			c.touched[arn] = struct{}{}
		}
	}
}

// restricted is the task without what facts do not ask for; the same pointer
// where it holds nothing else.
func (t *Task) restricted(facts Facts) *Task {
	env, cut := restrictAll(t.Environment, facts)
	dropTags := len(t.Tags) > 0 && !facts.TaskTags
	if !cut && !dropTags {
		return t
	}
	next := *t
	next.Environment = env
	if dropTags {
		next.Tags = nil
	}
	return &next
}

func restrictAll(env map[string]map[string]string, facts Facts) (out map[string]map[string]string, cut bool) {
	for _, values := range env {
		if _, c := restrictNames(values, facts); c {
			cut = true
		}
	}
	if !cut {
		return env, false
	}
	for container, values := range env {
		kept, _ := restrictNames(values, facts)
		if len(kept) == 0 {
			continue
		}
		if out == nil {
			out = map[string]map[string]string{}
		}
		out[container] = kept
	}
	return out, true
}

func restrictNames(values map[string]string, facts Facts) (kept map[string]string, cut bool) {
	for name := range values {
		if !facts.Holds(name) {
			cut = true
		}
	}
	if !cut {
		return values, false
	}
	kept = maps.Clone(values)
	maps.DeleteFunc(kept, func(name, _ string) bool { return !facts.Holds(name) })
	if len(kept) == 0 {
		return nil, true
	}
	return kept, true
}

// restricted is the definition without the variables that facts do not name;
// the same pointer where it holds no others.
func (d *Definition) restricted(facts Facts) *Definition {
	if d == nil {
		return nil
	}
	var next *Definition
	for i, c := range d.Containers {
		env, cut := restrictNames(c.Environment, facts)
		if !cut {
			continue
		}
		if next == nil {
			next = &Definition{ARN: d.ARN, NetworkMode: d.NetworkMode, Containers: slices.Clone(d.Containers)}
		}
		next.Containers[i].Environment = env
	}
	if next == nil {
		return d
	}
	return next
}
