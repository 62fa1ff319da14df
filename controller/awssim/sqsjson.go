package awssim

import "context"

// sqsOperations is SQS's JSON protocol, which today's SDKs speak.
func sqsOperations(s *Sim) map[string]operation {
	c := sqsCalls{s}
	return map[string]operation{
		"CreateQueue":             c.jsonCreate,
		"DeleteQueue":             c.jsonDeleteQueue,
		"GetQueueUrl":             c.jsonURL,
		"GetQueueAttributes":      c.jsonAttributes,
		"SendMessage":             c.jsonSend,
		"ReceiveMessage":          c.jsonReceive,
		"DeleteMessage":           c.jsonDelete,
		"DeleteMessageBatch":      c.jsonDeleteBatch,
		"ChangeMessageVisibility": c.jsonChangeVisibility,
	}
}

// sqsInput has the fields of every simulated SQS operation.
type sqsInput struct {
	Attributes                  map[string]string
	AttributeNames              []string
	DelaySeconds                int
	Entries                     []sqsEntry
	MaxNumberOfMessages         int
	MessageBody                 string
	MessageSystemAttributeNames []string
	QueueName                   string
	QueueOwnerAWSAccountID      string `json:"QueueOwnerAWSAccountId"`
	QueueURL                    string `json:"QueueUrl"`
	ReceiptHandle               string
	VisibilityTimeout           *int
	WaitTimeSeconds             int
}

type sqsEntry struct {
	ID            string `json:"Id"`
	ReceiptHandle string
}

type sqsURLOutput struct {
	QueueURL string `json:"QueueUrl"`
}

type sqsMessage struct {
	MessageID     string `json:"MessageId"`
	ReceiptHandle string
	MD5OfBody     string
	Body          string
	Attributes    map[string]string `json:",omitempty"`
}

type sqsReceiveOutput struct {
	Messages []sqsMessage `json:",omitempty"`
}

type sqsBatchFailure struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

type sqsBatchOutput struct {
	Successful []sqsBatchSuccess
	Failed     []sqsBatchFailure
}

type sqsBatchSuccess struct {
	ID string `json:"Id"`
}

func (c sqsCalls) jsonCreate(_ context.Context, r *request) (any, error) {
	in, err := decoded[sqsInput](r)
	if err != nil {
		return nil, err
	}
	url, err := c.create(r, in.QueueName, in.Attributes)
	return sqsURLOutput{url}, err
}

func (c sqsCalls) jsonDeleteQueue(_ context.Context, r *request) (any, error) {
	in, err := decoded[sqsInput](r)
	if err != nil {
		return nil, err
	}
	return struct{}{}, c.deleteQueue(r, in.QueueURL)
}

func (c sqsCalls) jsonURL(_ context.Context, r *request) (any, error) {
	in, err := decoded[sqsInput](r)
	if err != nil {
		return nil, err
	}
	url, err := c.url(r, in.QueueName, in.QueueOwnerAWSAccountID)
	return sqsURLOutput{url}, err
}

func (c sqsCalls) jsonAttributes(_ context.Context, r *request) (any, error) {
	in, err := decoded[sqsInput](r)
	if err != nil {
		return nil, err
	}
	attributes, err := c.attributes(r, in.QueueURL, in.AttributeNames)
	return map[string]any{"Attributes": attributes}, err
}

func (c sqsCalls) jsonSend(_ context.Context, r *request) (any, error) {
	in, err := decoded[sqsInput](r)
	if err != nil {
		return nil, err
	}
	id, digest, err := c.send(r, in.QueueURL, in.MessageBody, in.DelaySeconds)
	return map[string]string{"MessageId": id, "MD5OfMessageBody": digest}, err
}

func (c sqsCalls) jsonReceive(ctx context.Context, r *request) (any, error) {
	in, err := decoded[sqsInput](r)
	if err != nil {
		return nil, err
	}
	messages, err := c.receive(ctx, r, receiveOrder{
		queueURL: in.QueueURL, max: in.MaxNumberOfMessages, visibility: in.VisibilityTimeout, wait: in.WaitTimeSeconds,
		attributes: append(in.AttributeNames, in.MessageSystemAttributeNames...),
	})
	if err != nil {
		return nil, err
	}
	var out sqsReceiveOutput
	for _, m := range messages {
		out.Messages = append(out.Messages, sqsMessage{m.id, m.receipt, m.md5, m.body, m.attributes})
	}
	return out, nil
}

func (c sqsCalls) jsonDelete(_ context.Context, r *request) (any, error) {
	in, err := decoded[sqsInput](r)
	if err != nil {
		return nil, err
	}
	return struct{}{}, c.delete(r, in.QueueURL, in.ReceiptHandle)
}

func (c sqsCalls) jsonDeleteBatch(_ context.Context, r *request) (any, error) {
	in, err := decoded[sqsInput](r)
	if err != nil {
		return nil, err
	}
	var entries []batchEntry
	for _, e := range in.Entries {
		entries = append(entries, batchEntry{id: e.ID, receipt: e.ReceiptHandle})
	}
	if err := c.deleteBatch(r, in.QueueURL, entries); err != nil {
		return nil, err
	}
	out := sqsBatchOutput{Successful: []sqsBatchSuccess{}, Failed: []sqsBatchFailure{}}
	for _, e := range entries {
		if e.failure != nil {
			out.Failed = append(out.Failed, sqsBatchFailure{e.id, e.failure.Code, e.failure.Message, true})
			continue
		}
		out.Successful = append(out.Successful, sqsBatchSuccess{e.id})
	}
	return out, nil
}

func (c sqsCalls) jsonChangeVisibility(_ context.Context, r *request) (any, error) {
	in, err := decoded[sqsInput](r)
	if err != nil {
		return nil, err
	}
	seconds := 0
	if in.VisibilityTimeout != nil {
		seconds = *in.VisibilityTimeout
	}
	return struct{}{}, c.changeVisibility(r, in.QueueURL, in.ReceiptHandle, seconds)
}
