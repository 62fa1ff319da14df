package ecs

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"ecs-scrape/reconcile/inventory"
)

// queueID tells queues apart: one that is read by another role is another one.
type queueID struct {
	url        string
	region     string // "": the environment's
	roleARN    string // "": the process's own credentials
	externalID string
}

// queueIDs are the queues that sources name, each once, in the order of the
// sources. A queue is read with the process's own credentials, unless it is in
// the account of the role of a source that names it.
func queueIDs(sources []*source) []queueID {
	var out []queueID
	for _, s := range sources {
		if s.queueURL() == "" || slices.ContainsFunc(out, func(id queueID) bool { return id.url == s.queueURL() }) {
			continue
		}
		id := queueID{url: s.queueURL(), region: cmp.Or(queueRegion(s.queueURL()), s.want.Region)}
		for _, other := range sources {
			if other.queueURL() != id.url {
				continue
			}
			if role := other.want.RoleARN; id.roleARN == "" && role != "" && accountOf(role) == queueAccount(id.url) {
				id.roleARN, id.externalID = role, other.want.ExternalID
			}
		}
		out = append(out, id)
	}
	return out
}

// queueAccount is the account of "https://HOST/ACCOUNT/NAME", or "".
func queueAccount(queueURL string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return ""
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) != 2 {
		return ""
	}
	return parts[0]
}

// queueRegion is the region that a queue's host tells, or "" (AWS General
// Reference, "Amazon SQS endpoints and quotas"; Amazon SQS Developer Guide,
// "Legacy endpoints", "Amazon VPC endpoints for Amazon SQS").
func queueRegion(queueURL string) string {
	labels := hostLabels(queueURL)
	if !slices.Contains(labels, "amazonaws") && !slices.Contains(labels, "api") {
		return ""
	}
	for i, label := range labels {
		switch {
		case (label == "sqs" || label == "sqs-fips") && i+1 < len(labels):
			return labels[i+1]
		case label == "queue" && i == 0:
			return "us-east-1"
		case label == "queue":
			return labels[i-1]
		}
	}
	return ""
}

// queueEndpoint is where to reach the queue, "" for the region's own endpoint:
// that is for the legacy hosts, which today's protocol need not reach.
func queueEndpoint(queueURL string) string {
	u, err := url.Parse(queueURL)
	if err != nil || u.Host == "" || slices.Contains(hostLabels(queueURL), "queue") {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func hostLabels(queueURL string) []string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return nil
	}
	return strings.Split(u.Hostname(), ".")
}

// dialQueue makes a client that waits for answers as long as a long poll takes.
func (w *Watcher) dialQueue(ctx context.Context, id queueID) (*sqs.Client, error) {
	cfg, err := w.load(ctx, id.region)
	if err != nil {
		return nil, err
	}
	if id.roleARN != "" {
		tokens := sts.NewFromConfig(charged(&cfg, w.budgets.of(place{region: cfg.Region})))
		assume(&cfg, tokens, inventory.Source{RoleARN: id.roleARN, ExternalID: id.externalID})
	}
	cfg = charged(&cfg, w.budgets.of(place{account: queueAccount(id.url), region: cfg.Region}))
	if client, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		cfg.HTTPClient = client.WithTimeout(w.longPoll + w.options.CallTimeout)
	}
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if endpoint := queueEndpoint(id.url); o.BaseEndpoint == nil && endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	}), nil
}

// queueOf is the queue of that URL, or nil.
func queueOf(queues []*queue, queueURL string) *queue {
	i := slices.IndexFunc(queues, func(q *queue) bool { return q.id.url == queueURL })
	if i < 0 {
		return nil
	}
	return queues[i]
}
