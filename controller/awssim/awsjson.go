package awssim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// serveJSON speaks awsJson 1.1, and 1.0 to SQS.
func (s *Sim) serveJSON(ctx context.Context, w http.ResponseWriter, req *request) {
	version := "1.1"
	operations := s.tables.ecs
	switch req.id.service {
	case serviceSSM:
		operations = s.tables.ssm
	case serviceSQS:
		operations, version = s.tables.sqs, "1.0"
	}
	var peek struct{ Cluster, NextToken string }
	_ = json.Unmarshal(req.body, &peek) // the operation reports what is malformed
	c := call{page: pageOf(peek.NextToken)}
	if req.id.service == serviceECS {
		c.cluster = clusterName(peek.Cluster)
	}
	out, err := s.answer(ctx, req, operations, c)
	status := http.StatusOK
	if err != nil {
		failure := asAPIError(err)
		status = failure.Status
		if req.id.service == serviceSQS {
			w.Header().Set("X-Amzn-Query-Error", failure.Code+";Sender")
		} else {
			w.Header().Set("X-Amzn-Errortype", failure.Code)
		}
		out = map[string]string{"__type": jsonErrorType(req.id.service, failure.Code), "message": failure.Message}
	}
	body, err := json.Marshal(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w = spoilt(w, req.spoil)
	w.Header().Set("Content-Type", "application/x-amz-json-"+version)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// jsonErrorType is an error's shape name. SQS's differ from the codes of its
// older query protocol, which it still names in a header.
func jsonErrorType(service, code string) string {
	if service != serviceSQS {
		return code
	}
	if code == queueMissing {
		code = "QueueDoesNotExist"
	}
	return "com.amazonaws.sqs#" + code
}

func asAPIError(err error) *APIError {
	var failure *APIError
	if errors.As(err, &failure) {
		return failure
	}
	return &APIError{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
}

// decoded reads a JSON request's input.
func decoded[In any](r *request) (*In, error) {
	in := new(In)
	if len(r.body) == 0 {
		return in, nil
	}
	if err := json.Unmarshal(r.body, in); err != nil {
		return nil, badRequest("SerializationException", err.Error())
	}
	return in, nil
}

// typed makes an operation of a function from input to output, which runs
// under the lock and whose output shares nothing that changes.
func typed[In, Out any](f func(p *Place, in *In) (Out, error)) operation {
	return func(_ context.Context, r *request) (any, error) {
		in, err := decoded[In](r)
		if err != nil {
			return nil, err
		}
		var out Out
		err = r.place.change(func() error {
			var err error
			out, err = f(r.place, in)
			return err
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}
