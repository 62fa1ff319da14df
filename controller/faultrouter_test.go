package controller_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
)

// router is the one AWS endpoint of a process, which its environment names: it
// hands each call to the simulated account whose default region it is for.
type router struct {
	mu   sync.Mutex
	sims map[string]*url.URL
}

func newRouter(t *testing.T) *router {
	t.Helper()
	r := &router{sims: map[string]*url.URL{}}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(r.of(p.In)) },
		Transport: transport,
		// A connection that the account closes is closed towards the client too.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	})
	t.Cleanup(transport.CloseIdleConnections)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKIA123456789012SIM", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	return r
}

func (r *router) add(region, sim string) {
	u, err := url.Parse(sim)
	if err != nil {
		panic(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sims[region] = u
}

// of reads the region that the call was signed for,
// "Credential=KEY/date/region/service/aws4_request".
func (r *router) of(request *http.Request) *url.URL {
	_, credential, _ := strings.Cut(request.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(credential, "/")
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(parts) < 5 || r.sims[parts[2]] == nil {
		panic(http.ErrAbortHandler)
	}
	return r.sims[parts[2]]
}
