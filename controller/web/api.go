package web

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"

	"ecs-scrape/controller"
)

// explain answers 404 with one line of text where nothing of that name is known.
func explain(w http.ResponseWriter, r *http.Request, s Source) {
	e, err := s.Explain(r.FormValue("query"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusNotFound)
	case r.FormValue("format") == "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, e.Text())
	default:
		w.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		_ = enc.Encode(e)
	}
}

func healthz(w http.ResponseWriter, s Source) {
	st := s.Status()
	answer(w, st.Healthy, "ok", cmp.Or(st.Message, "nothing is published yet"))
}

func readyz(w http.ResponseWriter, s Source) {
	st := s.Status()
	answer(w, st.Ready, "ready", cmp.Or(unreadyText(st), st.Message, "not confirmed yet"))
}

// unreadyText is the worst reason of those that keep a controller from being ready.
func unreadyText(s *controller.Status) string {
	for _, r := range s.Reasons {
		switch r.Kind {
		case controller.ReasonPass, controller.ReasonRefused, controller.ReasonPrometheus, controller.ReasonPools,
			controller.ReasonSpecs, controller.ReasonHold, controller.ReasonWaiting:
			return r.Message
		}
	}
	return ""
}

func answer(w http.ResponseWriter, ok bool, yes, no string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
		yes = no
	}
	_, _ = io.WriteString(w, yes+"\n")
}
