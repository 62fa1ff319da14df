package inventory

import "time"

// Source is an entry of what to watch: a region, reached with the process's
// credentials or a role, and the clusters of it by name, globs included.
type Source struct {
	Region     string   `json:"region"` // "": the region of the environment
	RoleARN    string   `json:"roleARN,omitempty"`
	ExternalID string   `json:"externalID,omitempty"`
	Clusters   []string `json:"clusters,omitempty"` // globs as in path.Match; none: all
}

// Facts are the optional parts of the inventory: what nobody asks for is
// neither fetched nor kept.
type Facts struct {
	// Environment is the sorted list of environment variable names whose
	// values may be kept. All others are dropped while decoding.
	Environment []string `json:"environment,omitempty"`
	// TaskTags asks for the tags of tasks.
	TaskTags bool `json:"taskTags,omitempty"`
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
	// Facts are the optional parts that every task of the scope and its
	// definition hold. An object that needs more of them cannot be judged here
	// yet: what is published for it stays.
	Facts Facts `json:"facts,omitzero"`
}

// SourceStatus tells whether the clusters of a source are known.
type SourceStatus struct {
	Source  Source    `json:"source"`
	Account string    `json:"account,omitempty"` // "" until the first answer
	Region  string    `json:"region,omitempty"`  // resolved
	Listed  bool      `json:"listed"`            // its clusters were listed completely at least once
	Since   time.Time `json:"since,omitzero"`    // failing since
	Reason  string    `json:"reason,omitempty"`  // why its clusters are not known, or no longer fresh
}

// Snapshot is the inventory at one moment: sorted, complete per synced or
// stale scope, and not to be changed.
type Snapshot struct {
	Sources     []SourceStatus         `json:"sources"`
	Scopes      []ScopeStatus          `json:"scopes"`
	Tasks       []*Task                `json:"tasks"` // by scope, then ARN
	Definitions map[string]*Definition `json:"definitions"`
	Instances   map[string]*Instance   `json:"instances"`
	// Waiting counts tasks that listings omit and that no evidence has
	// stopped yet; they are still in Tasks.
	Waiting int `json:"waiting,omitempty"`
}
