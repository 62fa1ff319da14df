package awssim

import (
	"net/http"
	"strconv"
)

// spoiling is what happens to the answer of a call that was served.
type spoiling int

const (
	unspoilt spoiling = iota
	disconnected
	truncated
	garbled
)

// interceptor is what something between client and AWS answers in its place.
const interceptor = "<!DOCTYPE html>\n<title>Sign in</title>\n<p>Accept the terms of use to continue.\n"

// spoilt is w with what happens to the answer.
func spoilt(w http.ResponseWriter, how spoiling) http.ResponseWriter {
	if how == unspoilt {
		return w
	}
	return &spoiler{ResponseWriter: w, how: how}
}

// spoiler spoils what is written. A connection is closed by the panic that
// net/http knows for that.
type spoiler struct {
	http.ResponseWriter
	how     spoiling
	started bool
}

func (s *spoiler) WriteHeader(status int) {
	s.started = true
	switch s.how {
	case disconnected:
		panic(http.ErrAbortHandler)
	case garbled:
		status = http.StatusOK
		s.Header().Set("Content-Type", "text/html")
		s.Header().Set("Content-Length", strconv.Itoa(len(interceptor)))
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *spoiler) Write(p []byte) (int, error) {
	if !s.started {
		s.WriteHeader(http.StatusOK)
	}
	if s.how == garbled {
		_, err := s.ResponseWriter.Write([]byte(interceptor))
		return len(p), err
	}
	_, _ = s.ResponseWriter.Write(p[:len(p)/2])
	_ = http.NewResponseController(s.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}
