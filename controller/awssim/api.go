package awssim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxRequest bounds a request's body, S3 excepted.
const maxRequest = 4 << 20

// request is a call on its way to the operation that answers it.
type request struct {
	id    identity
	place *Place
	name  string // of the operation
	body  []byte
	form  url.Values // in the query protocol
	path  string
	spoil spoiling // once it was admitted
}

// operation answers a request with a value to encode.
type operation func(ctx context.Context, r *request) (any, error)

// tables hold the operations of each service and protocol.
type tables struct {
	ecs, ssm, sqs      map[string]operation // JSON
	ec2, sts, sqsQuery map[string]operation // query in, XML out
	requests           *atomic.Int64
}

func newTables(s *Sim) tables {
	return tables{
		ecs: ecsOperations(), ssm: ssmOperations(), sqs: sqsOperations(s),
		ec2: ec2Operations(), sts: stsOperations(s), sqsQuery: sqsQueryOperations(s),
		requests: new(atomic.Int64),
	}
}

// serveAPI recognises the service and hands the request to its protocol.
func (s *Sim) serveAPI(w http.ResponseWriter, r *http.Request) {
	id := s.identify(r)
	w.Header().Set("Date", s.date().UTC().Format(http.TimeFormat)) // clients tell the clocks' difference by it
	if id.service == serviceS3 {
		s.serveS3(w, r, id)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "request too large or cut off", http.StatusBadRequest)
		return
	}
	req := &request{id: id, body: body, path: r.URL.Path}
	w.Header().Set("X-Amzn-Requestid", s.requestID())
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		req.name = name
		s.serveJSON(r.Context(), w, req)
		return
	}
	req.form, err = url.ParseQuery(string(body))
	if err != nil || (req.form.Get("Action") == "" && r.URL.RawQuery != "") {
		req.form = r.URL.Query()
	}
	req.name = req.form.Get("Action")
	s.serveQuery(r.Context(), w, req)
}

// requestID counts requests in the form of a UUID.
func (s *Sim) requestID() string {
	sum := sha256.Sum256(strconv.AppendInt(nil, s.tables.requests.Add(1), 10))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// answer admits the request and runs its operation.
func (s *Sim) answer(ctx context.Context, req *request, operations map[string]operation, c call) (any, error) {
	op, ok := operations[req.name]
	if !ok {
		return nil, unknownOperation(req)
	}
	c.scope, c.service, c.operation = req.id.scope, req.id.service, req.name
	c.expired, c.skewed = req.id.expired, req.id.skewed
	spoil, refusal := s.gate.admit(ctx, c)
	if refusal != nil {
		return nil, refusal
	}
	req.spoil = spoil
	req.place = s.Region(c.scope.Account, c.scope.Region)
	return op(ctx, req)
}

func unknownOperation(req *request) *APIError {
	if req.form != nil {
		return badRequest("InvalidAction", "The action "+req.name+" is not valid for this endpoint.")
	}
	return badRequest("UnknownOperationException", "The operation "+req.name+" is not simulated.")
}
