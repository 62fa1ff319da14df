package web

import (
	"fmt"
	"net/http"
	"strconv"
)

// serveStatus writes the status as one JSON document: with all pools and their
// targets, or without them where ?targets=false asks for that, which is the document
// that the controller also writes to files and S3.
func serveStatus(w http.ResponseWriter, r *http.Request, s Source) {
	detailed := true
	if text := r.FormValue("targets"); text != "" {
		var err error
		if detailed, err = strconv.ParseBool(text); err != nil {
			http.Error(w, fmt.Sprintf("targets is %q: give true or false", text), http.StatusBadRequest)
			return
		}
	}
	status := s.Status()
	if detailed {
		status = status.Detailed()
	}
	doc, err := status.Document()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(doc) // a client that went away is nobody's problem
}
