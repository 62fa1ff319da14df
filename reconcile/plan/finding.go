package plan

import (
	"cmp"
	"slices"
	"strings"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// Codes of findings. Each is documented in docs/findings.md.
const (
	CodeUnknownClass   = "unknown-class"
	CodeNoPort         = "no-such-port"
	CodeUnbound        = "port-not-bound"
	CodeNoAddress      = "no-address"
	CodeNoDefinition   = "no-task-definition"
	CodeFactsMissing   = "facts-missing"
	CodeInvalidTarget  = "invalid-target"
	CodeAddressRetired = "address-retired"
	CodeDuplicate      = "duplicate-target"
	CodeIntervalRaised = "interval-raised"
	CodeTimeoutCapped  = "timeout-lowered"
	CodeRetarget       = "retarget-refused"
	CodeIllegalLabel   = "illegal-label"
	CodeSameLabels     = "same-labels"
	CodeSameAddress    = "same-address"
	CodeOverlap        = "overlap"
	CodeTooMany        = "too-many-targets"
	CodeLimitLowered   = "limit-lowered"
	CodeNoAlertmanager = "no-alertmanager"
	// What a container says of itself.
	CodeNotEnabled    = "not-enabled"
	CodeNoPortValue   = "no-port-value"
	CodeAmbiguousPort = "ambiguous-port"
	CodeBadPort       = "bad-port"
	CodeBadPath       = "bad-path"
	CodeBadScheme     = "bad-scheme"
	CodeBadInterval   = "bad-interval"
	CodeBadHost       = "bad-host"
)

// Codes of what is meant, and so is no finding.
const (
	// CodeDropped is a target that relabelConfigs drop, counted in [Plan.Dropped].
	CodeDropped = "dropped"
	// CodeOtherShard is a target that another shard scrapes, counted in
	// [Plan.OtherShards].
	CodeOtherShard = "other-shard"
)

// Finding is one thing that an object asks for and does not get, and why. Tasks
// in which the same is missing share one finding.
type Finding struct {
	Object    spec.ID `json:"object"`
	Code      string  `json:"code"`
	Task      string  `json:"task,omitempty"`  // ARN; of several the first
	Tasks     int     `json:"tasks,omitempty"` // how many
	Container string  `json:"container,omitempty"`
	Message   string  `json:"message"` // what, and the remedy
}

// Compare orders findings by object, code, task, container and message.
func (f Finding) Compare(o Finding) int {
	return cmp.Or(f.Object.Compare(o.Object), strings.Compare(f.Code, o.Code), strings.Compare(f.Task, o.Task),
		strings.Compare(f.Container, o.Container), strings.Compare(f.Message, o.Message))
}

// Where names the task and the container, and how many other tasks there are.
func (f Finding) Where() string {
	var parts []string
	if f.Task != "" {
		parts = append(parts, "task "+f.Task)
	}
	if f.Container != "" {
		parts = append(parts, "container "+f.Container)
	}
	if f.Tasks > 1 {
		parts = append(parts, "and in "+counted(f.Tasks-1, "more task"))
	}
	return strings.Join(parts, ", ")
}

// findings collects findings, one for all tasks in which the same is missing:
// a selector that is too wide would else have one for every task there is.
type findings map[Finding]*found

// found is a finding and the last task that it was added for: an object looks
// at its tasks one after the other, and may miss the same thing twice in one.
type found struct {
	Finding
	last *inventory.Task
}

func (fs findings) add(o spec.ID, t *inventory.Task, f fault) {
	key := Finding{Object: o, Code: f.code, Container: f.container, Message: f.message}
	entry := fs[key]
	if entry == nil {
		entry = &found{Finding: key}
		fs[key] = entry
	}
	if t == nil || t == entry.last {
		return
	}
	entry.last = t
	entry.Tasks++
	if entry.Task == "" || t.ARN < entry.Task {
		entry.Task = t.ARN
	}
}

// over is a sorted list with these findings added; the list is not changed.
func (fs findings) over(list []Finding) []Finding {
	if len(fs) == 0 {
		return list
	}
	out := slices.Clone(list)
	index := make(map[Finding]int, len(fs))
	for i := range out {
		index[out[i].words()] = i
	}
	for key, f := range fs {
		i, known := index[key]
		if !known {
			out = append(out, f.Finding)
			continue
		}
		if out[i].Tasks += f.Tasks; f.Task != "" && (out[i].Task == "" || f.Task < out[i].Task) {
			out[i].Task = f.Task
		}
	}
	slices.SortFunc(out, Finding.Compare)
	return out
}

// words are the finding without its tasks.
func (f Finding) words() Finding {
	return Finding{Object: f.Object, Code: f.Code, Container: f.Container, Message: f.Message}
}
