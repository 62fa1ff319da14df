package target

import (
	"context"
	"slices"
	"strings"
	"time"
)

// About is how a Prometheus was built and started.
type About struct {
	Version    string   // such as "3.15.0"; "" where its build does not know it
	Features   []string // of --enable-feature, sorted
	Agent      bool
	Lifecycle  bool   // --web.enable-lifecycle
	AutoReload string // how often it looks for a changed configuration itself; "" is never
	Started    time.Time
}

// Equal says that both are the same Prometheus, started in the same way.
func (a About) Equal(b About) bool {
	return a.Version == b.Version && slices.Equal(a.Features, b.Features) && a.Agent == b.Agent &&
		a.Lifecycle == b.Lifecycle && a.AutoReload == b.AutoReload && a.Started.Equal(b.Started)
}

// What is shown of an answer, so that a status and a metric stay small.
const (
	maxVersion  = 64 // bytes
	maxFeatures = 100
)

// The features that are flags too, in newer releases.
const (
	featureAgent      = "agent"
	featureAutoReload = "auto-reload-config"
)

// About asks how Prometheus was built and started. As long as it runs that does
// not change: where the process is the one that is known, it is one request.
func (p *Prometheus) About(ctx context.Context, known About) (About, error) {
	info, err := p.Runtime(ctx)
	if err != nil {
		return known, err
	}
	if !known.Started.IsZero() && known.Started.Equal(info.StartTime) {
		return known, nil
	}
	flags, err := p.Flags(ctx)
	if err != nil {
		return known, err
	}
	version, err := p.BuildInfo(ctx)
	if err != nil {
		return known, err
	}
	a := aboutOf(flags)
	a.Version, a.Started = short(version), info.StartTime
	return a, nil
}

func aboutOf(flags map[string]string) About {
	a := About{Lifecycle: flags["web.enable-lifecycle"] == "true", Agent: flags["agent"] == "true"}
	for feature := range strings.SplitSeq(flags["enable-feature"], ",") {
		if feature = short(strings.TrimSpace(feature)); feature != "" && len(a.Features) < maxFeatures {
			a.Features = append(a.Features, feature)
		}
	}
	slices.Sort(a.Features)
	a.Features = slices.Compact(a.Features)
	a.Agent = a.Agent || slices.Contains(a.Features, featureAgent)
	if flags["config.auto-reload"] == "true" || slices.Contains(a.Features, featureAutoReload) {
		if a.AutoReload = short(flags["config.auto-reload-interval"]); a.AutoReload == "" {
			a.AutoReload = "an unknown time"
		}
	}
	return a
}

// short is a word of an answer, bounded.
func short(word string) string {
	return strings.ToValidUTF8(word[:min(len(word), maxVersion)], "\ufffd")
}
