package awssim

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of the Amazon SQS API reference.
const (
	sqsMaxMessages = 10
	sqsMaxWait     = 20 * time.Second
	sqsMaxBatch    = 10
)

// sqsCalls are the operations behind both of SQS's protocols.
type sqsCalls struct{ sim *Sim }

// onQueue runs f under the lock on the queue that a URL names, in the account
// of the URL and the region of the request.
func (c sqsCalls) onQueue(r *request, queueURL string, f func(q *queue) error) error {
	account, name := queueOf(queueURL)
	p := r.place
	if account != "" {
		p = c.sim.Region(account, r.place.scope.Region)
	}
	return p.change(func() error {
		q, ok := p.queues[name]
		if !ok {
			c.sim.faultCounts.met("DeleteQueue")
			return badRequest(queueMissing, "The specified queue does not exist.")
		}
		return f(q)
	})
}

// queueOf reads ".../account/name".
func queueOf(queueURL string) (account, name string) {
	parts := strings.Split(queueURL, "/")
	if len(parts) < 2 {
		return "", queueURL
	}
	return parts[len(parts)-2], parts[len(parts)-1]
}

func (c sqsCalls) create(r *request, name string, attributes map[string]string) (string, error) {
	if name == "" {
		return "", badRequest("MissingParameter", "The request must contain the parameter QueueName.")
	}
	return r.place.CreateQueue(name, attributes), nil
}

func (c sqsCalls) deleteQueue(r *request, queueURL string) error {
	var of *queue
	if err := c.onQueue(r, queueURL, func(q *queue) error { of = q; return nil }); err != nil {
		return err
	}
	of.place.DeleteQueue(of.name)
	return nil
}

func (c sqsCalls) url(r *request, name, owner string) (string, error) {
	if owner == "" {
		owner = r.place.scope.Account
	}
	var out string
	err := c.onQueue(r, "/"+owner+"/"+name, func(q *queue) error {
		out = q.place.queueURL(q)
		return nil
	})
	return out, err
}

func (c sqsCalls) send(r *request, queueURL, body string, delay int) (id, digest string, err error) {
	if body == "" {
		return "", "", badRequest("MissingParameter", "The request must contain the parameter MessageBody.")
	}
	err = c.onQueue(r, queueURL, func(q *queue) error {
		id = q.send(body, time.Duration(delay)*time.Second).id
		return nil
	})
	return id, md5Hex(body), err
}

// receiveOrder is a ReceiveMessage.
type receiveOrder struct {
	queueURL   string
	max        int
	visibility *int
	wait       int
	attributes []string
}

// receive waits for messages as long as it is asked to.
func (c sqsCalls) receive(ctx context.Context, r *request, o receiveOrder) ([]received, error) {
	if o.max == 0 {
		o.max = 1
	}
	if o.max < 1 || o.max > sqsMaxMessages {
		return nil, badRequest("InvalidParameterValue", "Value for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.")
	}
	wait := time.Duration(o.wait) * time.Second
	if wait < 0 || wait > sqsMaxWait {
		return nil, badRequest("InvalidParameterValue", "Value for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.")
	}
	deadline := time.Now().Add(wait)
	for {
		out, changed, retry, err := c.receiveNow(r, o)
		left := time.Until(deadline)
		if err != nil || len(out) > 0 || left <= 0 || !c.pause(ctx, min(left, retry), changed) {
			return out, err
		}
	}
}

// receiveNow takes what is visible; else it says what to wait for.
func (c sqsCalls) receiveNow(r *request, o receiveOrder) (out []received, changed <-chan struct{}, retry time.Duration, err error) {
	err = c.onQueue(r, o.queueURL, func(q *queue) error {
		hide := q.visibility()
		if o.visibility != nil {
			hide = time.Duration(*o.visibility) * time.Second
		}
		for _, m := range q.receive(o.max, hide) {
			out = append(out, m.only(o.attributes))
		}
		changed, retry = q.changed, sqsMaxWait
		if next, ok := q.nextVisible(); ok {
			retry = max(next.Sub(q.now()), time.Millisecond)
		}
		return nil
	})
	return out, changed, retry, err
}

// pause waits, and says whether to go on.
func (c sqsCalls) pause(ctx context.Context, d time.Duration, changed <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-changed:
		return true
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-c.sim.done:
	}
	return false
}

// only keeps the attributes that were asked for.
func (m received) only(names []string) received {
	if !slices.Contains(names, "All") {
		maps.DeleteFunc(m.attributes, func(name, _ string) bool { return !slices.Contains(names, name) })
	}
	return m
}

func (c sqsCalls) delete(r *request, queueURL, receipt string) error {
	return c.onQueue(r, queueURL, func(q *queue) error { return q.delete(receipt) })
}

// batchEntry is an entry of a batch and, in the answer, its error.
type batchEntry struct {
	id, receipt string
	failure     *APIError
}

func (c sqsCalls) deleteBatch(r *request, queueURL string, entries []batchEntry) error {
	switch {
	case len(entries) == 0:
		return badRequest("AWS.SimpleQueueService.EmptyBatchRequest", "There should be at least one DeleteMessageBatchRequestEntry in the request.")
	case len(entries) > sqsMaxBatch:
		return badRequest("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10.")
	}
	return c.onQueue(r, queueURL, func(q *queue) error {
		for i := range entries {
			if err := q.delete(entries[i].receipt); err != nil {
				entries[i].failure = asAPIError(err)
			}
		}
		return nil
	})
}

func (c sqsCalls) changeVisibility(r *request, queueURL, receipt string, seconds int) error {
	return c.onQueue(r, queueURL, func(q *queue) error {
		return q.hide(receipt, time.Duration(seconds)*time.Second)
	})
}

func (c sqsCalls) attributes(r *request, queueURL string, names []string) (map[string]string, error) {
	var out map[string]string
	err := c.onQueue(r, queueURL, func(q *queue) error {
		visible, hidden := q.length()
		out = map[string]string{
			"ApproximateNumberOfMessages":           strconv.Itoa(visible),
			"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
			"ApproximateNumberOfMessagesDelayed":    "0",
			"QueueArn":                              "arn:aws:sqs:" + q.place.scope.Region + ":" + q.place.scope.Account + ":" + q.name,
			"VisibilityTimeout":                     strconv.Itoa(int(q.visibility().Seconds())),
		}
		return nil
	})
	if !slices.Contains(names, "All") {
		maps.DeleteFunc(out, func(name, _ string) bool { return !slices.Contains(names, name) })
	}
	return out, err
}
