package plan

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
)

// judge knows which targets of a pool Prometheus would not scrape as they are
// meant. It is for one goroutine.
type judge struct {
	settings *config.ScrapeConfig // the pool's job as Prometheus resolves it
	lb       *labels.Builder      // scratch, as is the next
	set      model.LabelSet
	// accepted are the labels that Prometheus has accepted last.
	accepted []labels.Label
}

func newJudge(settings *config.ScrapeConfig) *judge {
	return &judge{settings: settings, lb: labels.NewBuilder(labels.EmptyLabels()), set: model.LabelSet{}}
}

// refuse returns why Prometheus would not scrape a target with these labels as it
// is meant, or nil.
func (j *judge) refuse(l labels.Labels) *fault {
	if why := unusable(l); why != "" {
		return &fault{code: CodeInvalidTarget, message: why}
	}
	if j.likeAccepted(l) {
		return nil
	}
	clear(j.set)
	l.Range(func(l labels.Label) {
		j.set[model.LabelName(l.Name)] = model.LabelValue(l.Value)
	})
	final, err := scrape.PopulateLabels(j.lb, j.settings, j.set, nil)
	switch {
	case err != nil:
		return &fault{code: CodeInvalidTarget, message: "Prometheus refuses it: " + strings.TrimSpace(err.Error())}
	case final.IsEmpty():
		return &fault{code: CodeInvalidTarget, message: "relabel_configs of its pool drop it"}
	}
	j.accepted = j.accepted[:0]
	l.Range(func(l labels.Label) { j.accepted = append(j.accepted, l) })
	return nil
}

// likeAccepted says, at a fraction of the cost, that Prometheus accepts a target as
// it has accepted the last one: they differ only in their addresses and paths, and
// in labels that are not reserved. Of these, in a pool without relabel_configs,
// nothing but the address's form and the encoding matters (Prometheus,
// scrape.PopulateLabels). False means nothing.
func (j *judge) likeAccepted(l labels.Labels) bool {
	alike, n := len(j.settings.RelabelConfigs) == 0 && len(j.accepted) > 0, 0
	l.Range(func(l labels.Label) {
		alike = alike && n < len(j.accepted) && j.accepted[n].Name == l.Name && (j.accepted[n].Value == l.Value || mayDiffer(l))
		n++
	})
	return alike && n == len(j.accepted)
}

// mayDiffer says that with this value the label is as acceptable as with another
// that was accepted.
func mayDiffer(l labels.Label) bool {
	value := model.LabelValue(l.Value)
	switch {
	case !value.IsValid():
		return false
	case l.Name == model.AddressLabel:
		return config.CheckTargetAddress(value) == nil
	}
	return l.Name == model.MetricsPathLabel || !strings.HasPrefix(l.Name, model.ReservedLabelPrefix)
}

// unusable is why a target can never be scraped as it is meant although
// Prometheus accepts it, or "".
func unusable(l labels.Labels) string {
	if why := unreachable(l.Get(model.AddressLabel)); why != "" {
		return why
	}
	if scheme := l.Get(model.SchemeLabel); scheme != "http" && scheme != "https" {
		return fmt.Sprintf("scheme %q is neither http nor https", scheme)
	}
	if path := l.Get(model.MetricsPathLabel); !strings.HasPrefix(path, "/") {
		return fmt.Sprintf("metrics path %q does not begin with a slash", path)
	} else if isEscaped(path) {
		return fmt.Sprintf("metrics path %q has a ?, a # or a blank in it, which Prometheus escapes: leave it out, and give parameters as params of the endpoint", path)
	}
	for _, name := range [...]string{model.JobLabel, model.ScrapeIntervalLabel, model.ScrapeTimeoutLabel} {
		if l.Get(name) == "" {
			return fmt.Sprintf("relabelConfigs leave it without the label %s, which Prometheus would fill by itself: keep it", name)
		}
	}
	return ""
}

// unreachable is why nothing can listen at an address, or "".
func unreachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	switch number, bad := strconv.ParseUint(port, 10, 16); {
	case address == "":
		return "relabelConfigs leave it without an address"
	case err != nil:
		return "its address has no port, or an IPv6 address has no brackets: it must be host:port"
	case host == "":
		return "its address has no host: it must be host:port"
	case strings.ContainsFunc(host, unicode.IsSpace):
		return "its address has a space in it"
	case bad != nil:
		return fmt.Sprintf("port %q is not a number from 1 to 65535", port)
	case number == 0:
		return "port 0 cannot be connected to"
	}
	return ""
}
