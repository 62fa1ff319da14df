package ecs

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"ecs-scrape/controller/awssim"
)

func TestRegionOfTheTask(t *testing.T) {
	w := newWorld(t, awssim.Options{Region: "eu-west-1"}, Options{})
	fargate(t, w.Place, "prod", 1)
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv(metadataURI, "")
	w.want()
	w.bad("no region: name one in spec.ecs")
	metadata := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(rw, `{"TaskARN": "arn:aws:ecs:eu-west-1:123456789012:task%s/abc"}`, r.URL.Path)
	}))
	defer metadata.Close()
	t.Setenv(metadataURI, metadata.URL)
	snap := w.good()
	wantTasks(t, snap, 1)
	if got := snap.Sources[0].Region; got != "eu-west-1" {
		t.Errorf("region %q", got)
	}
}
