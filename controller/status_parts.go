package controller

import (
	"time"

	"ecs-scrape/spec"
)

// StatusKind is the kind of the document.
const StatusKind = "Status"

// Instance is where a controller runs, as far as it knows.
type Instance struct {
	Host string `json:"host,omitempty"` // its name
	Task string `json:"task,omitempty"` // ARN of the ECS task
}

// ErrorStatus is an error, and from when to when it was one.
type ErrorStatus struct {
	At      time.Time `json:"at"`               // when it was first met
	Until   time.Time `json:"until,omitzero"`   // when it was over; left out while it is not
	Message string    `json:"message"`          // its newest text
	Reason  string    `json:"reason,omitempty"` // its kind, as in reasons
}

// SpecsStatus is where the specs come from and which of them are in use.
type SpecsStatus struct {
	Location string `json:"location"` // as --specs names it
	// Revision is what was loaded last: a digest of the content, or the published
	// revision that the pointer names.
	Revision string `json:"revision,omitempty"`
	// Published says that it is a published revision; false of loose files.
	Published bool      `json:"published"`
	LoadedAt  time.Time `json:"loadedAt,omitzero"` // when that revision was first loaded
	// Error is why the last load failed; the revision before it stays in use.
	Error string    `json:"error,omitempty"`
	Since time.Time `json:"since,omitzero"` // since when it fails
}

// Hold is a configuration that was gone back to, and stays until it is released.
// Targets follow all the same.
type Hold struct {
	Digest string    `json:"digest"`           // of the configuration that is held
	Since  time.Time `json:"since"`            // when it began
	Reason string    `json:"reason,omitempty"` // in the words of who asked for it
	// Error is why it is not held after all; what the specs ask for is published.
	Error string `json:"error,omitempty"`
}

// PrometheusStatus is what is known of the Prometheus that is told to reload.
type PrometheusStatus struct {
	URL      string    `json:"url,omitempty"`      // without credentials
	Version  string    `json:"version,omitempty"`  // as it says itself
	Features []string  `json:"features,omitempty"` // of its --enable-feature
	Started  time.Time `json:"started,omitzero"`   // when it started
	// Differences say what it is that the PrometheusConfig does not declare, or
	// the reverse, and what is odd about how it was started.
	Differences []string `json:"differences,omitempty"`
	// Unread are target files that it has not read since they changed; up to ten
	// seconds are usual.
	Unread []string `json:"unread,omitempty"`
	Lag    float64  `json:"lagSeconds,omitempty"` // for how long the oldest has been waiting, in seconds
}

// Usage is what an account and region have been asked since the start, and what
// may be asked now.
type Usage struct {
	Account   string   `json:"account"`
	Region    string   `json:"region"`
	Calls     uint64   `json:"calls"`     // retries included
	Throttled uint64   `json:"throttled"` // refused for their rate
	Failed    uint64   `json:"failed"`    // for another reason
	Budgets   []Budget `json:"budgets"`   // by category
}

// Budget is one category of AWS's request quotas.
type Budget struct {
	Category string  `json:"category"` // as --ecs.quota names it
	Rate     float64 `json:"rate"`     // calls a second that are allowed now
	Full     float64 `json:"full"`     // when nothing is throttled
	Waiting  int     `json:"waiting"`  // calls that wait
}

// Removal is a task that a listing omits, and whose targets stay until something
// proves that it has stopped.
type Removal struct {
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Cluster string    `json:"cluster"`
	Task    string    `json:"task"` // its ARN
	Since   time.Time `json:"since"`
}

// Change is something that was published, or taken back.
type Change struct {
	At time.Time `json:"at"` // when it was published; of joined changes the last
	// Kind is "configuration", "targets", "rollback" or "reload".
	Kind    string `json:"kind"`
	Summary string `json:"summary"` // one line
	// Objects are those that it concerns.
	Objects []spec.ID `json:"objects,omitempty"`
	// Diff is text in the form of diff -u, with what is secret cut and at most
	// some hundred lines; of targets one line each, by object where it concerns
	// several.
	Diff string `json:"diff,omitempty"`
}
