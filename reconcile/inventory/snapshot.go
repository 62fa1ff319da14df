package inventory

import (
	"path"
	"slices"
	"time"
)

// Source is an entry of what to watch: a region, reached with the process's
// credentials or a role, and the clusters of it by name, globs included.
type Source struct {
	Region     string   `json:"region"` // "": the region of the environment
	RoleARN    string   `json:"roleARN,omitempty"`
	ExternalID string   `json:"externalID,omitempty"`
	Clusters   []string `json:"clusters,omitempty"` // globs as in path.Match; none: all
	// EventsQueue is the URL of the SQS queue that the source's events arrive in;
	// "": it is polled. Several sources may name one queue.
	EventsQueue string `json:"eventsQueue,omitempty"`
}

// Watches says whether the source asks for a cluster of that name.
func (s Source) Watches(cluster string) bool {
	return len(s.Clusters) == 0 || slices.ContainsFunc(s.Clusters, func(pattern string) bool {
		ok, err := path.Match(pattern, cluster)
		return pattern == cluster || err == nil && ok
	})
}

// Facts are the optional parts of the inventory: what nobody asks for is
// neither fetched nor kept.
type Facts struct {
	// Environment is the sorted list of environment variable names whose
	// values may be kept. All others are dropped while decoding.
	Environment []string `json:"environment,omitempty"`
	// TaskTags asks for the tags of tasks: DescribeTasks with them.
	TaskTags bool `json:"taskTags,omitempty"`
	// Services asks for the services of tasks, with their tags: DescribeServices.
	Services bool `json:"services,omitempty"`
	// ClusterTags asks for the tags of clusters: DescribeClusters with them.
	ClusterTags bool `json:"clusterTags,omitempty"`
	// Instances asks for the container instances of all tasks, with their tags
	// and public addresses; without it only those that addresses come from
	// (bridge and host mode) are described, and they keep neither.
	Instances bool `json:"instances,omitempty"`
	// Interfaces asks for the network interfaces of awsvpc tasks, for their
	// VPC and public address: DescribeNetworkInterfaces.
	Interfaces bool `json:"interfaces,omitempty"`
	// Health asks for the health of running tasks to be no older than
	// a minute: no event tells of it. Every DescribeTasks does, so no task
	// ever lacks it.
	Health bool `json:"health,omitempty"`
}

// Want is what a pass asks of the inventory from now on.
type Want struct {
	Sources []Source
	Facts   Facts
	// Held are the scopes that published targets come from, sorted: each is
	// looked up by name, so that a cluster deleted while nobody watched is known
	// to be gone. They and all that they refer to must not be changed.
	Held []Held
}

// Held is a scope that published targets come from.
type Held struct {
	Scope Scope
	// Tasks are the sorted ids of the tasks that the targets are of, as far as
	// they were recorded. They are hints for the first complete listing of the
	// scope, and need not be told of one that is synced.
	Tasks []string
	// Since is when these tasks were known at the latest: when they were last
	// published by an earlier process.
	Since time.Time
}

// State of a scope.
type State string

const (
	// Unsynced means no complete listing yet. What is published for it stays.
	Unsynced State = "unsynced"
	// Synced means that the last listing was complete.
	Synced State = "synced"
	// Stale means synced once, and the last attempt failed.
	Stale State = "stale"
	// Gone means that a complete answer said INACTIVE or MISSING, or the configuration
	// no longer names it.
	Gone State = "gone"
)

// ScopeStatus tells how far a scope can be trusted.
type ScopeStatus struct {
	Scope    Scope     `json:"scope"`
	State    State     `json:"state"`
	SyncedAt time.Time `json:"syncedAt,omitzero"` // end of the last complete listing
	Since    time.Time `json:"since,omitzero"`    // unsynced, stale or gone since
	Reason   string    `json:"reason,omitempty"`  // why unsynced, stale or gone
	// Restored is when what is known was written to disk, by an earlier process;
	// zero once this one has listed the scope.
	Restored time.Time `json:"restored,omitzero"`
	// Facts are the optional parts that every task of the scope and its
	// definition hold. An object that needs more of them cannot be judged here
	// yet: what is published for it stays.
	Facts Facts `json:"facts,omitzero"`
	// Lacking says why facts that are asked for are not held, such as a denied
	// call, by the fact's name as in Facts's JSON. The rest of the scope goes on
	// without them.
	Lacking map[string]string `json:"lacking,omitempty"`
}

// Listed says that this process has listed the scope, which is there: what is
// known of it is more than what an earlier process left.
func (s ScopeStatus) Listed() bool {
	return (s.State == Synced || s.State == Stale) && s.Restored.IsZero()
}

// SourceStatus tells whether the clusters of a source are known.
type SourceStatus struct {
	Source  Source    `json:"source"`
	Account string    `json:"account,omitempty"` // "" until the first answer
	Region  string    `json:"region,omitempty"`  // resolved
	Listed  bool      `json:"listed"`            // its clusters were listed completely at least once
	Since   time.Time `json:"since,omitzero"`    // failing since
	Reason  string    `json:"reason,omitempty"`  // why its clusters are not known, or no longer fresh
	// Events tells of its queue; nil where it has none, and is polled.
	Events *EventsStatus `json:"events,omitempty"`
}

// EventsStatus tells whether the events of a source arrive. While they do not,
// the source is polled.
type EventsStatus struct {
	Working bool      `json:"working"`
	Since   time.Time `json:"since,omitzero"`   // working, or not, since
	Reason  string    `json:"reason,omitempty"` // why not
}

// Snapshot is the inventory at one moment: sorted, complete per synced or
// stale scope, and not to be changed.
type Snapshot struct {
	Sources     []SourceStatus         `json:"sources"`
	Scopes      []ScopeStatus          `json:"scopes"`
	Tasks       []*Task                `json:"tasks"` // by scope, then ARN
	Definitions map[string]*Definition `json:"definitions"`
	Instances   map[string]*Instance   `json:"instances"`
	// Services are those of tasks, by "scope/name", and Clusters those of
	// scopes, by scope; only where [Facts] asked for them. See
	// [Snapshot.Service] and [Snapshot.Cluster].
	Services map[string]*Service `json:"services,omitempty"`
	Clusters map[string]*Cluster `json:"clusters,omitempty"`
	// Waiting counts tasks that listings omit and that no evidence has
	// stopped yet; they are still in Tasks.
	Waiting int `json:"waiting,omitempty"`
	// Omitted are these, the first hundred by scope, and of each those that wait
	// longest.
	Omitted []Omission `json:"omitted,omitempty"`
}

// Service is the service that started the task, or nil where it has none or
// nobody asked for it.
func (s *Snapshot) Service(t *Task) *Service {
	name := t.Service()
	if name == "" {
		return nil
	}
	return s.Services[t.Scope.String()+"/"+name]
}

// Cluster is the cluster of a scope, or nil where nobody asked for it.
func (s *Snapshot) Cluster(scope Scope) *Cluster { return s.Clusters[scope.String()] }
