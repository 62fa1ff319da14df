package awssim

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// ObjectEvents is a form in which S3 tells of objects.
type ObjectEvents int

// Forms of events of S3.
const (
	// ObjectsDirect is S3's own notification (Amazon S3 User Guide, "Event message
	// structure"), whose keys are encoded as in URLs.
	ObjectsDirect ObjectEvents = iota
	// ObjectsEventBridge is by way of EventBridge (Amazon S3 User Guide, "Event
	// message structure" of "Using EventBridge").
	ObjectsEventBridge
	// ObjectsSNS is S3's own notification within SNS's wrapping.
	ObjectsSNS
)

// objectTopic is who is told of a bucket.
type objectTopic struct {
	bucket, prefix string
	form           ObjectEvents
	place          *Place
	queue          string
}

// NotifyObjects has each later object of a bucket whose key begins with the
// prefix told of in a queue of the place, when it is written or removed. The
// queue is created if there is none, and its URL answered. As S3 does, a
// notification of its own begins with a test message.
func (p *Place) NotifyObjects(bucket, prefix, queue string, form ObjectEvents) (queueURL string) {
	_ = p.change(func() error {
		q := p.createQueue(queue, nil)
		queueURL = p.queueURL(q)
		p.sim.topics = append(p.sim.topics, objectTopic{bucket: bucket, prefix: prefix, form: form, place: p, queue: queue})
		if form != ObjectsEventBridge {
			q.send(form.wrap(p, marshal(map[string]any{
				"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": isoString(p.now()), "Bucket": bucket,
				"RequestId": uuid(p.sim), "HostId": "simulated",
			})), 0)
		}
		return nil
	})
	return queueURL
}

// toldObject sends the events of one object.
func (s *Sim) toldObject(bucket, key string, size int64, created bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.topics {
		q, ok := t.place.queues[t.queue]
		if !ok || t.bucket != bucket || !strings.HasPrefix(key, t.prefix) {
			continue
		}
		body := t.form.event(t.place, bucket, key, size, created)
		t.place.later(s.opts.EventDelay, func() { q.send(body, 0) })
	}
}

func (f ObjectEvents) event(p *Place, bucket, key string, size int64, created bool) string {
	object := map[string]any{"key": key, "size": size, "sequencer": uuid(p.sim)}
	if f == ObjectsEventBridge {
		name := map[bool]string{true: "Object Created", false: "Object Deleted"}[created]
		return marshal(envelope{
			Version: "0", ID: uuid(p.sim), DetailType: name, Source: "aws.s3", Account: p.scope.Account,
			Time: p.now().UTC().Format(time.RFC3339), Region: p.scope.Region, Resources: []string{"arn:aws:s3:::" + bucket},
			Detail: map[string]any{"version": "0", "bucket": map[string]any{"name": bucket}, "object": object},
		})
	}
	name := map[bool]string{true: "ObjectCreated:Put", false: "ObjectRemoved:Delete"}[created]
	object["key"] = url.QueryEscape(key)
	return f.wrap(p, marshal(map[string]any{"Records": []any{map[string]any{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": p.scope.Region, "eventTime": isoString(p.now()), "eventName": name,
		"s3": map[string]any{"s3SchemaVersion": "1.0", "bucket": map[string]any{"name": bucket, "arn": "arn:aws:s3:::" + bucket}, "object": object},
	}}}))
}

// wrap is SNS's envelope, where it comes by SNS.
func (f ObjectEvents) wrap(p *Place, body string) string {
	if f != ObjectsSNS {
		return body
	}
	return marshal(map[string]any{
		"Type": "Notification", "MessageId": uuid(p.sim), "Subject": "Amazon S3 Notification", "Message": body,
		"TopicArn": "arn:aws:sns:" + p.scope.Region + ":" + p.scope.Account + ":objects",
	})
}

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return string(text)
}
