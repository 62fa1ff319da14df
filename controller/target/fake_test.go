package target

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"sync"
	"syscall"
	"time"
)

// fakePrometheus answers in memory, by the clock of the test's bubble. Its
// verbs are the failures.
type fakePrometheus struct {
	mu      sync.Mutex
	started time.Time
	loaded  time.Time // last success
	success bool
	file    string // --config.file
	cwd     string
	pools   []string
	ready   bool
	down    error
	refuse  string // body of a 500
	status  int    // of a POST, if not 200 or 500
	lost    map[string]bool
	hang    bool
	after   func(*fakePrometheus) // runs after a successful reload
	skew    time.Duration         // of its clock
	reloads int
	calls   int
}

func newFake(pools ...string) *fakePrometheus {
	now := time.Now()
	return &fakePrometheus{
		started: now, loaded: now.Truncate(time.Second), success: true, ready: true,
		file: "/out/current/prometheus.yml", cwd: "/", pools: pools, lost: map[string]bool{},
	}
}

func (f *fakePrometheus) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakePrometheus) NotReady()             { f.set(func() { f.ready = false }) }
func (f *fakePrometheus) Ready()                { f.set(func() { f.ready = true }) }
func (f *fakePrometheus) Down()                 { f.set(func() { f.down = syscall.ECONNREFUSED }) }
func (f *fakePrometheus) Up()                   { f.set(func() { f.down = nil }) }
func (f *fakePrometheus) Reject(body string)    { f.set(func() { f.refuse = body }) }
func (f *fakePrometheus) Hang()                 { f.set(func() { f.hang = true }) }
func (f *fakePrometheus) Unhang()               { f.set(func() { f.hang = false }) }
func (f *fakePrometheus) Answer(status int)     { f.set(func() { f.status = status }) }
func (f *fakePrometheus) Forbidden()            { f.Answer(http.StatusForbidden) }
func (f *fakePrometheus) LosePool(name string)  { f.set(func() { f.lost[name] = true }) }
func (f *fakePrometheus) FindPool(name string)  { f.set(func() { delete(f.lost, name) }) }
func (f *fakePrometheus) OtherPath(file string) { f.set(func() { f.file = file }) }
func (f *fakePrometheus) Skew(by time.Duration) { f.set(func() { f.skew = by }) }
func (f *fakePrometheus) Fail()                 { f.set(func() { f.success = false }) }
func (f *fakePrometheus) LoadedAt(at time.Time) {
	f.set(func() { f.loaded = at.Truncate(time.Second) })
}
func (f *fakePrometheus) Then(do func(*fakePrometheus)) { f.set(func() { f.after = do }) }

func (f *fakePrometheus) Restart() {
	f.set(func() { f.started = time.Now(); f.load() })
}

func (f *fakePrometheus) Reloads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reloads
}

func (f *fakePrometheus) load() {
	f.loaded, f.success = time.Now().Add(f.skew).Truncate(time.Second), true
}

func (f *fakePrometheus) RoundTrip(req *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.calls++
	hang := f.hang && req.Method == http.MethodPost
	f.mu.Unlock()
	if hang {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return nil, f.down
	}
	status, body := f.answer(req)
	return &http.Response{
		StatusCode: status, Body: io.NopCloser(bytes.NewReader(body)), Header: http.Header{}, Request: req,
	}, nil
}

func (f *fakePrometheus) answer(req *http.Request) (int, []byte) {
	if !f.ready {
		return http.StatusServiceUnavailable, []byte("Service Unavailable")
	}
	switch path.Clean(req.URL.Path) {
	case "/prefix/-/ready":
		return http.StatusOK, []byte("ready")
	case "/prefix/-/reload":
		return f.reload()
	case "/prefix/api/v1/status/flags":
		return f.data(map[string]string{"config.file": f.file})
	case "/prefix/api/v1/status/runtimeinfo":
		return f.data(Runtime{StartTime: f.started, CWD: f.cwd, ReloadConfigSuccess: f.success, LastConfigTime: f.loaded})
	case "/prefix/api/v1/status/buildinfo":
		return f.data(map[string]string{"version": "3.15.0"})
	case "/prefix/api/v1/scrape_pools":
		found := []string{}
		for _, name := range f.pools {
			if !f.lost[name] {
				found = append(found, name)
			}
		}
		return f.data(map[string]any{"scrapePools": found})
	}
	return http.StatusNotFound, []byte("404 page not found")
}

func (f *fakePrometheus) reload() (int, []byte) {
	f.reloads++
	if f.refuse != "" {
		f.success = false
		return http.StatusInternalServerError, []byte(f.refuse)
	}
	if f.status != 0 {
		return f.status, []byte("Lifecycle API is not enabled.")
	}
	f.load()
	if f.after != nil {
		f.after(f)
	}
	return http.StatusOK, nil
}

func (f *fakePrometheus) data(data any) (int, []byte) {
	body, err := json.Marshal(map[string]any{"status": "success", "data": data})
	if err != nil {
		return http.StatusInternalServerError, []byte(err.Error())
	}
	return http.StatusOK, body
}

// fixed answers everything with one body.
type fixed string

func (f fixed) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader([]byte(f))), Header: http.Header{}, Request: req,
	}, nil
}
