package artifact

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// ConfigFile is the name of Prometheus's main file in [Bundle.Config].
const ConfigFile = "prometheus.yml"

// Files maps a slash-separated relative path to the content of the file.
type Files map[string][]byte

// Paths are the sorted paths of the files.
func (f Files) Paths() []string { return slices.Sorted(maps.Keys(f)) }

// Digest identifies the files by path and content: 16 hexadecimal digits.
func (f Files) Digest() string {
	h := sha256.New()
	for _, path := range f.Paths() {
		for _, part := range [][]byte{[]byte(path), f[path]} {
			_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
			h.Write(part)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Bundle is the whole output of a plan.
type Bundle struct {
	// Config are prometheus.yml and rules/*.yml: what a reload is about.
	Config Files
	// Pools are the target files, sorted by path: what a reload is not about.
	Pools []Pool
	// Since is when the targets that this process found published had been
	// published at the latest, so that the age of their tasks has a lower bound.
	// A plan has none.
	Since time.Time
}

// Digest identifies the configuration, not the targets.
func (b *Bundle) Digest() string { return b.Config.Digest() }

// Pool is one scrape pool of Prometheus and the file of its targets.
type Pool struct {
	Name    string // job_name in prometheus.yml
	Path    string // relative to the output directory, such as "targets/class/default/targets.json"
	Targets []Target
	// Guarded is the scheme by which Prometheus shows credentials to these targets,
	// so that one of another scheme, or whose address was moved, may not join them;
	// "" where it shows none, or may. Only of a plan.
	Guarded string
}

// The directories of the target files that are no ScrapeTarget's.
const (
	// SelfDir has those of this Prometheus and of the controller.
	SelfDir = "targets/self/"
	// AlertmanagerDir has those of the Alertmanagers found on ECS.
	AlertmanagerDir = "targets/alertmanager/"
)

// Self says that its targets are of the installation itself, and not found on ECS.
func (p Pool) Self() bool { return strings.HasPrefix(p.Path, SelfDir) }

// Scraped says that Prometheus has a scrape pool of that name. It has none for
// Alertmanagers, which it sends alerts to.
func (p Pool) Scraped() bool { return !strings.HasPrefix(p.Path, AlertmanagerDir) }

// Found counts the targets that ScrapeTargets have found on ECS.
func Found(pools []Pool) int {
	n := 0
	for _, p := range pools {
		if p.Scraped() && !p.Self() {
			n += len(p.Targets)
		}
	}
	return n
}

// SameTargets says, at once, whether both pools have the very same targets, in
// the same memory. False means nothing.
func (p Pool) SameTargets(o Pool) bool {
	return len(p.Targets) > 0 && len(p.Targets) == len(o.Targets) && &p.Targets[0] == &o.Targets[0]
}

// Target is one line of a target file.
type Target struct {
	// Labels as written, __address__ included.
	Labels labels.Labels
	// Origin says where the target is from. It is recorded beside the target
	// file, not in it.
	Origin Origin
}

// Origin names the object that asked for a target, the place it runs in and the
// task, and tells whether the address is its own. Where the record was lost, all fields are empty.
type Origin struct {
	Object  string `json:"object,omitempty"` // ScrapeTarget's name
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	Task    string `json:"task,omitempty"` // its id; empty in records of before it was kept
	// Moved says that the address is not the one that was discovered: rules or a
	// convention have put another in its place.
	Moved bool `json:"moved,omitempty"`
}

// Endpoint is what an object scrapes, whatever the pool and the other labels.
type Endpoint struct{ Object, Address, Path string }

// Endpoint is the target's.
func (t Target) Endpoint() Endpoint {
	return Endpoint{Object: t.Origin.Object, Address: t.Address(), Path: t.Labels.Get("__metrics_path__")}
}

// Endpoints are those of all targets of the pools.
func Endpoints(pools []Pool) map[Endpoint]bool {
	out := map[Endpoint]bool{}
	for _, p := range pools {
		for _, t := range p.Targets {
			out[t.Endpoint()] = true
		}
	}
	return out
}

// Address is the host and port that Prometheus connects to.
func (t Target) Address() string { return t.Labels.Get("__address__") }

// Admits says that a target of elsewhere may be in the pool for a while.
func (p Pool) Admits(t Target) bool {
	return p.Guarded == "" || !t.Origin.Moved && t.Labels.Get("__scheme__") == p.Guarded
}

// Equal says that both have the same labels and the same origin.
func (t Target) Equal(o Target) bool {
	return t.Origin == o.Origin && labels.Equal(t.Labels, o.Labels)
}

// Compare orders targets by address, then by the rest of their labels.
func (t Target) Compare(o Target) int {
	if c := strings.Compare(t.Address(), o.Address()); c != 0 {
		return c
	}
	return labels.Compare(t.Labels, o.Labels)
}
