package plan

import (
	"cmp"
	"strings"

	"ecs-scrape/spec"
)

// Codes of findings. Each is documented in docs/findings.md.
const (
	CodeUnknownClass   = "unknown-class"
	CodeNoPort         = "no-such-port"
	CodeUnbound        = "port-not-bound"
	CodeNoAddress      = "no-address"
	CodeNoDefinition   = "no-task-definition"
	CodeInvalidTarget  = "invalid-target"
	CodeAddressRetired = "address-retired"
)

// Finding is one thing that an object asks for and does not get, and why.
type Finding struct {
	Object    spec.ID `json:"object"`
	Code      string  `json:"code"`
	Task      string  `json:"task,omitempty"` // ARN
	Container string  `json:"container,omitempty"`
	Message   string  `json:"message"` // what, and the remedy
}

// Compare orders findings by object, code, task, container and message.
func (f Finding) Compare(o Finding) int {
	return cmp.Or(f.Object.Compare(o.Object), strings.Compare(f.Code, o.Code), strings.Compare(f.Task, o.Task),
		strings.Compare(f.Container, o.Container), strings.Compare(f.Message, o.Message))
}
