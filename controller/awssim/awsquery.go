package awssim

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
)

// serveQuery speaks the query protocol: a form in, XML out.
func (s *Sim) serveQuery(ctx context.Context, w http.ResponseWriter, req *request) {
	operations := s.tables.ec2
	switch req.id.service {
	case serviceSTS:
		operations = s.tables.sts
	case serviceSQS:
		operations = s.tables.sqsQuery
	}
	out, err := s.answer(ctx, req, operations, call{
		page: pageOf(req.form.Get("NextToken")), filtered: len(req.form) > 2, // besides Action and Version
	})
	status := http.StatusOK
	id := w.Header().Get("X-Amzn-Requestid")
	if err != nil {
		failure := asAPIError(err)
		status = failure.Status
		out = queryError(req.id.service, failure, id)
	}
	body, err := xml.Marshal(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body = append([]byte(xml.Header), body...)
	w = spoilt(w, req.spoil)
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

type xmlError struct {
	Type    string `xml:",omitempty"`
	Code    string
	Message string
}

type ec2ErrorResponse struct {
	XMLName   xml.Name `xml:"Response"`
	Error     xmlError `xml:"Errors>Error"`
	RequestID string   `xml:"RequestID"`
}

type queryErrorResponse struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Error     xmlError
	RequestID string `xml:"RequestId"`
}

func queryError(service string, failure *APIError, id string) any {
	if service == serviceEC2 {
		return ec2ErrorResponse{Error: xmlError{Code: failure.Code, Message: failure.Message}, RequestID: id}
	}
	kind := "Sender"
	if failure.Status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	return queryErrorResponse{Error: xmlError{Type: kind, Code: failure.Code, Message: failure.Message}, RequestID: id}
}

// numbered reads the values of prefix.1, prefix.2 and so on.
func numbered(form url.Values, prefix string) []string {
	var out []string
	for n := 1; form.Has(prefix + "." + strconv.Itoa(n)); n++ {
		out = append(out, form.Get(prefix+"."+strconv.Itoa(n)))
	}
	return out
}

// number reads an optional number.
func number(form url.Values, name string) *int {
	n, err := strconv.Atoi(form.Get(name))
	if err != nil {
		return nil
	}
	return &n
}
