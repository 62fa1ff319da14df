package ecs

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// spoiledAnswer stands in for one of AWS's answers.
type spoiledAnswer struct {
	call   int64 // of all since it was set, from 1
	status int
	body   string
}

// spoilingProxy hands calls on, and answers the chosen one itself.
type spoilingProxy struct {
	chosen atomic.Pointer[spoiledAnswer]
	calls  atomic.Int64
}

func (p *spoilingProxy) set(a *spoiledAnswer) {
	p.calls.Store(0)
	p.chosen.Store(a)
}

func (p *spoilingProxy) spoil(r *http.Response) error {
	a := p.chosen.Load()
	if p.calls.Add(1) != a.call {
		return nil
	}
	err := r.Body.Close()
	r.StatusCode, r.ContentLength = a.status, int64(len(a.body))
	r.Body = io.NopCloser(strings.NewReader(a.body))
	r.Header = http.Header{"Content-Type": r.Header["Content-Type"]}
	return err
}

// fuzzedAccount is a simulated account behind a spoilingProxy, with a task and a
// machine of each kind.
func fuzzedAccount(f *testing.F) *spoilingProxy {
	f.Helper()
	sim, err := awssim.Start(awssim.Options{Quotas: awssim.NoQuotas()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(sim.Close)
	if _, err := awssim.Shop(sim); err != nil {
		f.Fatal(err)
	}
	to, err := url.Parse(sim.URL())
	if err != nil {
		f.Fatal(err)
	}
	p := &spoilingProxy{}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		ModifyResponse: p.spoil,
	}
	server := httptest.NewServer(proxy)
	f.Cleanup(server.Close)
	env := append(sim.Env(), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PROFILE=", "AWS_ENDPOINT_URL="+server.URL)
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		f.Setenv(name, value)
	}
	return p
}

// FuzzAnswers has one of the answers of a first listing be anything at all. What
// comes of it is an error or knowledge, and no task without a name, a cluster or
// a definition.
func FuzzAnswers(f *testing.F) {
	p := fuzzedAccount(f)
	for call := range int64(14) {
		f.Add(call, 200, []byte(`{}`))
		f.Add(call, 200, []byte(`{"clusterArns":["arn:aws:ecs:r:1:cluster/../x"],"taskArns":[null,""],"tasks":[{}],"failures":[{"arn":null}],"nextToken":"again"}`))
		f.Add(call, 200, []byte(`{"taskDefinition":{"containerDefinitions":[{"name":"a","portMappings":[{"containerPort":1e99}]}]}}`))
		f.Add(call, 200, []byte("<a><b></a>"))
		f.Add(call, 400, []byte(`{"__type":"X#ThrottlingException","message":7}`))
		f.Add(call, 200, bytes.Repeat([]byte(`[`), 100))
	}
	f.Fuzz(func(t *testing.T, call int64, status int, body []byte) {
		if status < 200 || status > 599 || len(body) > 1<<20 || call < 0 {
			t.Skip("no HTTP answer")
		}
		p.set(&spoiledAnswer{call: call%32 + 1, status: status, body: string(body)})
		w, err := New(unlimited(Options{}))
		if err != nil {
			t.Fatal(err)
		}
		defer w.http.GetTransport().CloseIdleConnections()
		w.Want(inventory.Want{Sources: []inventory.Source{{}}, Facts: inventory.Facts{TaskTags: true, Environment: []string{"PORT"}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // and no second attempt after a long pause
		defer cancel()
		err = w.Once(ctx)
		snap := w.Snapshot()
		for _, task := range snap.Tasks {
			if task.ARN == "" || task.Scope.Cluster == "" || task.LastStatus == "" {
				t.Errorf("a task without what makes one: %+v", task)
			}
		}
		if err == nil && len(snap.Scopes) == 0 && len(snap.Tasks) > 0 {
			t.Errorf("%d tasks of no cluster", len(snap.Tasks))
		}
	})
}
