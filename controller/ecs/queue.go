package ecs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// longPoll is the longest wait that SQS offers, and fullAnswer the most
	// messages of one answer and of one deletion (Amazon SQS API Reference,
	// ReceiveMessage, DeleteMessageBatch).
	longPoll   = 20 * time.Second
	fullAnswer = 10
	// maxReceivers drain a backlog: 8 x 10 messages at 20 ms a call are some
	// thousands a second, more than the store's reader wants to see at once.
	maxReceivers = 8
	// helperWait is the wait of a receiver that helps with a backlog.
	helperWait = time.Second
	// visibility is how long SQS hides a message that was received. Applying and
	// deleting it takes a second at most, and one that comes twice does no harm;
	// one whose answer was lost on the way tells nothing until it comes again.
	visibility = 10 * time.Second
	// at most this long without an answer that was due, or this many failures in a
	// row, and the queue counts as lost.
	lostAfter = 15 * time.Second
	// answerWithin is how long after it was due an answer may come.
	answerWithin = 5 * time.Second
	lostFailures = 3
)

// queue reads one SQS queue for all sources that name it. One receiver waits in
// a long poll; while its answers are full, others help.
type queue struct {
	w  *Watcher
	id queueID

	client   *sqs.Client // set before the receivers start
	deleting chan string // receipts of what has been applied

	answered chan struct{} // closed once the queue has answered, or failed, for the first time
	once     sync.Once

	mu        sync.Mutex
	sources   []*source
	state     feedState
	news      bool      // the state has changed and is not shown yet
	failures  int       // of the leading receiver, in a row
	overdue   time.Time // since when the first of them was
	undeleted int       // batches whose deletion failed, in a row
	receivers int
	stats     QueueStats
}

func newQueue(w *Watcher, id queueID) *queue {
	return &queue{
		w: w, id: id, deleting: make(chan string, 4096), answered: make(chan struct{}),
		state: feedState{since: stamp(w.now())},
	}
}

// run reads the queue until ctx ends, and waits for all that it started.
func (q *queue) run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	for failures := 1; ; failures++ {
		client, err := q.w.dialQueue(ctx, q.id)
		if err == nil {
			q.client = client
			q.count(func(st *QueueStats) { st.Region = client.Options().Region })
			break
		}
		q.judge(err, time.Now())
		q.announce()
		if !sleep(ctx, q.w.backoff(failures)) {
			return
		}
	}
	group.Go(func() { q.deleteAll(ctx) })
	q.lead(ctx, &group)
}

// lead is the receiver that is always there. Its first call, and the first one
// after a failure, does not wait for messages: whether the queue can be read is
// known at once.
func (q *queue) lead(ctx context.Context, group *sync.WaitGroup) {
	var wait time.Duration
	hollow := 0 // answers in a row that had no message and did not wait for one
	for ctx.Err() == nil {
		began := time.Now()
		n, err := q.receive(ctx, wait)
		if ctx.Err() != nil {
			return
		}
		failures := q.judge(err, began.Add(wait))
		q.announce()
		switch {
		case err != nil:
			wait = 0
			sleep(ctx, q.w.backoff(failures))
			continue
		case n == 0 && wait > 0 && time.Since(began) < wait/2:
			hollow++
			sleep(ctx, q.w.backoff(hollow))
		case n > 0:
			hollow = 0
			if failures := q.undeletedBatches(); failures > 0 { // the same messages come again at once
				sleep(ctx, q.w.backoff(failures))
			}
		}
		wait = q.w.longPoll
		if n == fullAnswer {
			q.help(ctx, group)
		}
	}
}

// help starts one more receiver, if there may be one. It goes when it finds
// that there is not enough for it.
func (q *queue) help(ctx context.Context, group *sync.WaitGroup) {
	if !q.enlist() {
		return
	}
	group.Go(func() {
		defer q.dismiss()
		for ctx.Err() == nil {
			n, err := q.receive(ctx, min(helperWait, q.w.longPoll))
			if err != nil || n < fullAnswer {
				return
			}
			q.help(ctx, group)
		}
	})
}

func (q *queue) enlist() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.receivers+1 >= maxReceivers || q.undeleted > 0 {
		return false
	}
	q.receivers++
	return true
}

func (q *queue) dismiss() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.receivers--
}

// receive asks once for messages, applies them and has them deleted. An answer
// that does not come soon after it was due is a failure.
func (q *queue) receive(ctx context.Context, wait time.Duration) (int, error) {
	bounded, cancel := context.WithTimeout(ctx, wait+min(answerWithin, q.w.options.CallTimeout))
	defer cancel()
	out, err := q.client.ReceiveMessage(bounded, &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(q.id.url), MaxNumberOfMessages: fullAnswer,
		WaitTimeSeconds:             int32(wait / time.Second),
		VisibilityTimeout:           int32(visibility / time.Second),
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameSentTimestamp},
	}, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	if err != nil {
		if ctx.Err() == nil {
			q.count(func(st *QueueStats) { st.ReceiveFailures++ })
		}
		return 0, fmt.Errorf("receive messages: %w", err)
	}
	if len(out.Messages) == 0 {
		q.count(func(st *QueueStats) { st.Backlog = 0 })
		return 0, nil
	}
	q.apply(out.Messages, q.w.skew(awsmiddleware.GetServerTime(out.ResultMetadata)))
	q.discard(out.Messages)
	return len(out.Messages), nil
}

// skew is how far AWS's clock is ahead, where that is more than what a call
// takes.
func (w *Watcher) skew(server time.Time, known bool) time.Duration {
	d := server.Sub(w.now())
	if !known || d.Abs() < 5*time.Second {
		return 0
	}
	return d
}

// sleep waits for d; false if ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
