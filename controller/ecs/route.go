package ecs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"ecs-scrape/reconcile/inventory"
)

// deleteEvery is how long a message that was applied may wait for others to be
// deleted with.
const deleteEvery = 200 * time.Millisecond

// intake sorts what one answer of the queue told.
type intake struct {
	q          *queue
	sources    []*source
	facts      inventory.Facts
	generation uint64
	skew       time.Duration // how far AWS's clock is ahead
	now        time.Time

	events []inventory.Event
	odd    []inventory.Event // not to be taken as they are
	told   []func()          // sources of what is left open, once the events are applied
	count  QueueStats
}

// apply gives the events among messages to the store, and what they leave open
// to their sources.
func (q *queue) apply(messages []sqstypes.Message, skew time.Duration) {
	facts, generation := q.w.store.Facts()
	in := intake{
		q: q, sources: q.readers(), facts: facts, generation: generation, skew: skew, now: q.w.now(),
		count: QueueStats{Received: uint64(len(messages))},
	}
	for i := range messages {
		if err := in.take(&messages[i]); err != nil {
			in.count.refuse(err)
		}
	}
	for i, news := range q.w.store.Observe(in.events, in.now) {
		in.count.apply(news, in.now.Sub(in.events[i].At))
	}
	q.w.store.Heard(in.odd, in.now)
	q.w.notify()
	for _, tell := range in.told {
		tell()
	}
	q.count(func(st *QueueStats) { st.add(in.count) })
}

// take reads one message; the error is that of parseMessage.
func (in *intake) take(m *sqstypes.Message) error {
	sent := in.sent(m)
	in.count.Backlog = max(in.count.Backlog, in.now.Sub(sent))
	n, err := parseMessage(aws.ToString(m.Body))
	if err != nil {
		return err
	}
	if n.s3 {
		err := in.q.w.tell(n.objects)
		if err == nil {
			in.count.Objects++
		}
		return err
	}
	s, err := watcherOf(in.sources, n.scope)
	if err != nil {
		return err
	}
	if n.at.IsZero() {
		n.at = sent
	} else {
		n.at = n.at.Add(-in.skew)
	}
	if n.at.After(in.now) {
		n.at = in.now // nothing that is told of has yet to come
	}
	if n.instance != nil {
		in.count.Instances++
		in.tell(func() { s.hearInstance(n) })
		return nil
	}
	in.takeTask(s, n)
	return nil
}

func (in *intake) takeTask(s *source, n notice) {
	store := in.q.w.store
	task, _ := decodeTask(n.scope, n.task.api(), in.facts)
	in.q.w.names.Task(task)
	e := inventory.Event{At: n.at, Facts: in.generation, Task: task, Crashed: crashed(n.task.StopCode)}
	switch {
	case store.Predates(e, s.born):
		in.count.Outdated++
		return
	case !store.Knows(n.scope):
		in.count.Strange++
		in.tell(func() { s.hearUnknown(heldBack{e, n.odd}) })
	case n.odd:
		in.count.Odd++
		in.count.apply(true, in.now.Sub(n.at))
		in.odd = append(in.odd, e)
		in.tell(func() { s.hearOdd(e) })
	default:
		in.events = append(in.events, e)
		in.tell(func() { s.hear(n.scope) })
	}
}

func (in *intake) tell(f func()) { in.told = append(in.told, f) }

// sent is when the message entered the queue, by our clock.
func (in *intake) sent(m *sqstypes.Message) time.Time {
	text := m.Attributes[string(sqstypes.MessageSystemAttributeNameSentTimestamp)]
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return in.now
	}
	return time.UnixMilli(ms).UTC().Add(-in.skew)
}

// watcherOf is the source that watches the scope; of several the first.
func watcherOf(sources []*source, scope inventory.Scope) (*source, error) {
	i := slices.IndexFunc(sources, func(s *source) bool { return s.owns(scope) })
	if i < 0 {
		return nil, errForeign
	}
	return sources[i], nil
}

// discard has messages deleted, which are applied or will never be. Where
// deletions do not keep up they are left: they come again, and tell nothing
// new.
func (q *queue) discard(messages []sqstypes.Message) {
	for i := range messages {
		select {
		case q.deleting <- aws.ToString(messages[i].ReceiptHandle):
		default:
		}
	}
}

// deleteAll deletes in batches, several at once, until ctx ends.
func (q *queue) deleteAll(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	free := make(chan struct{}, maxReceivers)
	for {
		batch := q.collect(ctx)
		select {
		case <-ctx.Done():
			return
		case free <- struct{}{}:
		}
		group.Go(func() {
			defer func() { <-free }()
			q.deleteBatch(ctx, batch)
		})
	}
}

// collect waits for receipts: a full batch, or what comes in a short while.
func (q *queue) collect(ctx context.Context) []string {
	var batch []string
	select {
	case <-ctx.Done():
		return nil
	case receipt := <-q.deleting:
		batch = append(batch, receipt)
	}
	late := time.NewTimer(deleteEvery)
	defer late.Stop()
	for len(batch) < fullAnswer {
		select {
		case <-ctx.Done():
			return nil
		case <-late.C:
			return batch
		case receipt := <-q.deleting:
			batch = append(batch, receipt)
		}
	}
	return batch
}

// deleteBatch leaves what cannot be deleted: it comes again, and tells nothing
// new.
func (q *queue) deleteBatch(ctx context.Context, receipts []string) {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(q.id.url)}
	for i, receipt := range receipts {
		in.Entries = append(in.Entries, sqstypes.DeleteMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(receipt),
		})
	}
	bounded, cancel := context.WithTimeout(ctx, attempts*q.w.options.CallTimeout)
	defer cancel()
	out, err := q.client.DeleteMessageBatch(bounded, in)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		q.count(func(st *QueueStats) { st.Deleted += uint64(len(receipts) - len(out.Failed)) })
		if len(out.Failed) == len(receipts) {
			err = errors.New(aws.ToString(out.Failed[0].Code))
		}
	}
	if err != nil {
		err = fmt.Errorf("delete messages: %w", err)
	}
	q.judgeDeletion(err)
	q.announce()
}
