package awssim

import (
	"context"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
)

const sqsNamespace = "http://queue.amazonaws.com/doc/2012-11-05/"

// sqsQueryOperations is SQS's older query protocol, which Debian's awscli
// speaks. Lists are flat: Message, Message, and so on.
func sqsQueryOperations(s *Sim) map[string]operation {
	c := sqsCalls{s}
	return map[string]operation{
		"CreateQueue":             c.queryCreate,
		"DeleteQueue":             c.queryDeleteQueue,
		"GetQueueUrl":             c.queryURL,
		"GetQueueAttributes":      c.queryAttributes,
		"SendMessage":             c.querySend,
		"ReceiveMessage":          c.queryReceive,
		"DeleteMessage":           c.queryDelete,
		"DeleteMessageBatch":      c.queryDeleteBatch,
		"ChangeMessageVisibility": c.queryChangeVisibility,
	}
}

// sqsResponse has the answers of every simulated operation: its element is
// named after the operation, and only the parts in use are encoded.
type sqsResponse struct {
	XMLName   xml.Name
	Namespace string     `xml:"xmlns,attr"`
	Result    *sqsResult `xml:",omitempty"`
	RequestID string     `xml:"ResponseMetadata>RequestId"`
}

type sqsResult struct {
	XMLName    xml.Name
	QueueURL   string              `xml:"QueueUrl,omitempty"`
	MessageID  string              `xml:"MessageId,omitempty"`
	MD5        string              `xml:"MD5OfMessageBody,omitempty"`
	Messages   []sqsXMLMessage     `xml:"Message"`
	Attributes []sqsXMLAttribute   `xml:"Attribute"`
	Deleted    []sqsXMLBatchResult `xml:"DeleteMessageBatchResultEntry"`
	Failed     []sqsXMLBatchError  `xml:"BatchResultErrorEntry"`
}

type sqsXMLMessage struct {
	MessageID     string `xml:"MessageId"`
	ReceiptHandle string
	MD5OfBody     string
	Body          string
	Attributes    []sqsXMLAttribute `xml:"Attribute"`
}

type sqsXMLAttribute struct {
	Name  string
	Value string
}

type sqsXMLBatchResult struct {
	ID string `xml:"Id"`
}

type sqsXMLBatchError struct {
	ID          string `xml:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

func (c sqsCalls) response(r *request, result *sqsResult) *sqsResponse {
	if result != nil {
		result.XMLName.Local = r.name + "Result"
	}
	return &sqsResponse{
		XMLName: xml.Name{Local: r.name + "Response"}, Namespace: sqsNamespace,
		Result: result, RequestID: c.sim.requestID(),
	}
}

// target is the queue that a request names, by parameter or by its path.
func target(r *request) string {
	if u := r.form.Get("QueueUrl"); u != "" {
		return u
	}
	return r.path
}

func sqsXMLAttributes(values map[string]string) []sqsXMLAttribute {
	var out []sqsXMLAttribute
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, sqsXMLAttribute{name, values[name]})
	}
	return out
}

// orZero reads an optional number that is 0 by default.
func orZero(form url.Values, name string) int {
	if n := number(form, name); n != nil {
		return *n
	}
	return 0
}

func (c sqsCalls) queryCreate(_ context.Context, r *request) (any, error) {
	attributes := map[string]string{}
	for n := 1; r.form.Has("Attribute." + strconv.Itoa(n) + ".Name"); n++ {
		prefix := "Attribute." + strconv.Itoa(n)
		attributes[r.form.Get(prefix+".Name")] = r.form.Get(prefix + ".Value")
	}
	url, err := c.create(r, r.form.Get("QueueName"), attributes)
	return c.response(r, &sqsResult{QueueURL: url}), err
}

func (c sqsCalls) queryDeleteQueue(_ context.Context, r *request) (any, error) {
	return c.response(r, nil), c.deleteQueue(r, target(r))
}

func (c sqsCalls) queryURL(_ context.Context, r *request) (any, error) {
	url, err := c.url(r, r.form.Get("QueueName"), r.form.Get("QueueOwnerAWSAccountId"))
	return c.response(r, &sqsResult{QueueURL: url}), err
}

func (c sqsCalls) queryAttributes(_ context.Context, r *request) (any, error) {
	attributes, err := c.attributes(r, target(r), numbered(r.form, "AttributeName"))
	return c.response(r, &sqsResult{Attributes: sqsXMLAttributes(attributes)}), err
}

func (c sqsCalls) querySend(_ context.Context, r *request) (any, error) {
	id, digest, err := c.send(r, target(r), r.form.Get("MessageBody"), orZero(r.form, "DelaySeconds"))
	return c.response(r, &sqsResult{MessageID: id, MD5: digest}), err
}

func (c sqsCalls) queryReceive(ctx context.Context, r *request) (any, error) {
	messages, err := c.receive(ctx, r, receiveOrder{
		queueURL: target(r), max: orZero(r.form, "MaxNumberOfMessages"), visibility: number(r.form, "VisibilityTimeout"),
		wait: orZero(r.form, "WaitTimeSeconds"), attributes: numbered(r.form, "AttributeName"),
	})
	result := &sqsResult{}
	for _, m := range messages {
		result.Messages = append(result.Messages, sqsXMLMessage{
			MessageID: m.id, ReceiptHandle: m.receipt, MD5OfBody: m.md5, Body: m.body,
			Attributes: sqsXMLAttributes(m.attributes),
		})
	}
	return c.response(r, result), err
}

func (c sqsCalls) queryDelete(_ context.Context, r *request) (any, error) {
	return c.response(r, nil), c.delete(r, target(r), r.form.Get("ReceiptHandle"))
}

func (c sqsCalls) queryDeleteBatch(_ context.Context, r *request) (any, error) {
	var entries []batchEntry
	for n := 1; ; n++ {
		prefix := "DeleteMessageBatchRequestEntry." + strconv.Itoa(n)
		if !r.form.Has(prefix + ".Id") {
			break
		}
		entries = append(entries, batchEntry{id: r.form.Get(prefix + ".Id"), receipt: r.form.Get(prefix + ".ReceiptHandle")})
	}
	if err := c.deleteBatch(r, target(r), entries); err != nil {
		return nil, err
	}
	result := &sqsResult{}
	for _, e := range entries {
		if e.failure != nil {
			result.Failed = append(result.Failed, sqsXMLBatchError{e.id, e.failure.Code, e.failure.Message, true})
			continue
		}
		result.Deleted = append(result.Deleted, sqsXMLBatchResult{e.id})
	}
	return c.response(r, result), nil
}

func (c sqsCalls) queryChangeVisibility(_ context.Context, r *request) (any, error) {
	return c.response(r, nil), c.changeVisibility(r, target(r), r.form.Get("ReceiptHandle"), orZero(r.form, "VisibilityTimeout"))
}
