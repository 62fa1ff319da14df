package awssim

import (
	"container/heap"
	"crypto/md5"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// queueMissing is the query protocol's name for a queue that does not exist.
const queueMissing = "AWS.SimpleQueueService.NonExistentQueue"

// defaultVisibility is SQS's default visibility timeout.
const defaultVisibility = 30 * time.Second

// queue is an SQS standard queue. The place's lock guards it.
type queue struct {
	name       string
	place      *Place
	attributes map[string]string
	messages   map[string]*message // by id
	order      messageHeap         // by time of visibility; deleted ones leave when they come up
	seq        int
	changed    chan struct{} // closed and replaced when a message may have become visible
}

// message is one copy of a body in a queue.
type message struct {
	id       string
	body     string
	seq      int
	visible  time.Time
	sent     time.Time
	first    time.Time
	receives int
	deleted  bool
	index    int
}

// CreateQueue creates an SQS queue in the place, if there is none of that name,
// and answers its URL. Attributes are SQS's, such as VisibilityTimeout.
func (p *Place) CreateQueue(name string, attributes map[string]string) (queueURL string) {
	_ = p.change(func() error {
		queueURL = p.queueURL(p.createQueue(name, attributes))
		return nil
	})
	return queueURL
}

func (p *Place) createQueue(name string, attributes map[string]string) *queue {
	q, ok := p.queues[name]
	if !ok {
		q = &queue{
			name: name, place: p, attributes: maps.Clone(attributes),
			messages: map[string]*message{}, changed: make(chan struct{}),
		}
		p.queues[name] = q
	}
	return q
}

func (p *Place) queueURL(q *queue) string {
	return p.sim.URL() + "/" + p.scope.Account + "/" + q.name
}

// DeleteQueue deletes a queue and its messages; what waits for one is told so.
// Subscriptions of that name end. One that does not exist is no error.
func (p *Place) DeleteQueue(name string) {
	_ = p.change(func() error {
		if q, ok := p.queues[name]; ok {
			p.sim.faultCounts.armed("DeleteQueue")
			delete(p.queues, name)
			for _, other := range p.sim.places {
				other.subscribers = slices.DeleteFunc(other.subscribers, func(s *queue) bool { return s == q })
			}
			q.notify()
		}
		return nil
	})
}

// QueueLength says how many messages a queue holds, visible and in flight.
func (p *Place) QueueLength(name string) (visible, inFlight int) {
	_ = p.change(func() error {
		if q, ok := p.queues[name]; ok {
			visible, inFlight = q.length()
		}
		return nil
	})
	return visible, inFlight
}

// now measures the visibility of messages, which no skew of AWS's clock changes.
func (q *queue) now() time.Time { return q.place.sim.opts.Now() }

func (q *queue) length() (visible, inFlight int) {
	now := q.now()
	for _, m := range q.messages {
		if m.visible.After(now) {
			inFlight++
		} else {
			visible++
		}
	}
	return visible, inFlight
}

// visibility is the queue's own visibility timeout.
func (q *queue) visibility() time.Duration {
	seconds, err := strconv.Atoi(q.attributes["VisibilityTimeout"])
	if err != nil {
		return defaultVisibility
	}
	return time.Duration(seconds) * time.Second
}

func (q *queue) send(body string, delay time.Duration) *message {
	now := q.now()
	q.seq++
	m := &message{id: uuid(q.place.sim), body: body, seq: q.seq, sent: now, visible: now.Add(delay)}
	q.messages[m.id] = m
	heap.Push(&q.order, m)
	q.notify()
	if told := q.place.sim.opts.Delivered; told != nil {
		told(q.name, body)
	}
	return m
}

func (q *queue) notify() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// receive takes up to n visible messages and hides them for the given time.
func (q *queue) receive(n int, hide time.Duration) []received {
	now := q.now()
	var out []received
	for len(out) < n && len(q.order) > 0 && !q.order[0].visible.After(now) {
		m := q.order[0]
		if m.deleted {
			heap.Pop(&q.order)
			continue
		}
		m.receives++
		if m.receives == 1 {
			m.first = now
		}
		m.visible = now.Add(hide)
		heap.Fix(&q.order, 0)
		out = append(out, m.received())
		if hide == 0 && len(out) >= len(q.messages) {
			break // with no visibility timeout the same ones would come up again
		}
	}
	return out
}

// nextVisible is when the next hidden message shows again.
func (q *queue) nextVisible() (time.Time, bool) {
	for len(q.order) > 0 && q.order[0].deleted {
		heap.Pop(&q.order)
	}
	if len(q.order) == 0 {
		return time.Time{}, false
	}
	return q.order[0].visible, true
}

func (q *queue) delete(receipt string) error {
	m, err := q.byReceipt(receipt)
	if err != nil || m == nil {
		return err
	}
	m.deleted = true
	delete(q.messages, m.id)
	return nil
}

// hide changes a message's visibility timeout, counted from now.
func (q *queue) hide(receipt string, d time.Duration) error {
	m, err := q.byReceipt(receipt)
	if err != nil || m == nil {
		return err
	}
	m.visible = q.now().Add(d)
	heap.Fix(&q.order, m.index)
	q.notify()
	return nil
}

// byReceipt answers nil for a message that is deleted already, which is no
// error in SQS.
func (q *queue) byReceipt(receipt string) (*message, error) {
	id, _, ok := strings.Cut(receipt, "#")
	if !ok {
		return nil, badRequest("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
	}
	return q.messages[id], nil
}

// received is a message as one receive answered it.
type received struct {
	id, receipt, body, md5 string
	attributes             map[string]string
}

func (m *message) received() received {
	return received{
		id: m.id, receipt: m.id + "#" + strconv.Itoa(m.receives), body: m.body, md5: md5Hex(m.body),
		attributes: map[string]string{
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
			"ApproximateReceiveCount":          strconv.Itoa(m.receives),
			"SenderId":                         "AIDASIMULATED",
			"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
		},
	}
}

// md5Hex is the digest that SQS clients check a body against.
func md5Hex(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

type messageHeap []*message

func (h messageHeap) Len() int { return len(h) }
func (h messageHeap) Less(i, j int) bool {
	if h[i].visible.Equal(h[j].visible) {
		return h[i].seq < h[j].seq
	}
	return h[i].visible.Before(h[j].visible)
}

func (h messageHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *messageHeap) Push(x any) {
	m := x.(*message)
	m.index = len(*h)
	*h = append(*h, m)
}

func (h *messageHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
