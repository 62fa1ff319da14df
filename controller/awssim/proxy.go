package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// missesKept is how many wrong requests the proxy remembers, the latest ones.
const missesKept = 10_000

// Listener is an endpoint that a running container serves metrics on.
type Listener struct {
	// Scheme is always "http".
	Scheme string
	// Address is "host:port".
	Address   string
	Path      string
	TaskARN   string
	Container string
	Cluster   string
	Service   string // empty for a standalone task
	Account   string
	Region    string
}

// URL is the address that a scrape of the listener asks for.
func (l Listener) URL() string { return l.Scheme + "://" + l.Address + l.Path }

// Miss is a request of the proxy that no running container answers.
type Miss struct {
	URL  string
	Time time.Time
}

// endpoint is a Listener with its page's state.
type endpoint struct {
	Listener
	task    *task
	image   string
	started time.Time
	scrapes int
}

// proxy is the forward proxy in front of all tasks. It has a lock of its own:
// scraping does not wait for the API, nor the API for scraping.
type proxy struct {
	now func() time.Time

	mu        sync.Mutex
	endpoints map[string][]*endpoint // by address
	scrapes   map[string]int         // by URL
	unlisted  []Miss                 // 502
	wrongPath []Miss                 // 404
}

func newProxy(now func() time.Time) *proxy {
	return &proxy{now: now, endpoints: map[string][]*endpoint{}, scrapes: map[string]int{}}
}

// listen opens the endpoints of the task's running containers.
func (t *task) listen() {
	if t.now.last != statusRunning || (t.instance != nil && !t.instance.known) {
		return
	}
	for i, c := range t.containers {
		if t.now.containers[i].status != statusRunning {
			continue
		}
		for _, m := range c.Metrics {
			address, ok := t.reach(i, m.Port)
			if !ok {
				continue
			}
			t.listens = append(t.listens, t.endpoint(c, address, cmp.Or(m.Path, "/metrics")))
		}
	}
	t.place.sim.proxy.add(t.listens)
}

func (t *task) endpoint(c taskContainer, address netip.AddrPort, path string) *endpoint {
	e := &endpoint{
		Listener: Listener{
			Scheme: "http", Address: address.String(), Path: path, TaskARN: t.arn, Container: c.Name,
			Cluster: t.cluster.name, Account: t.place.scope.Account, Region: t.place.scope.Region,
		},
		task: t, image: c.Image, started: t.place.now(),
	}
	if t.service != nil {
		e.Service = t.service.Name
	}
	return e
}

// unlisten closes all endpoints of the task.
func (t *task) unlisten() {
	t.place.sim.proxy.remove(t.listens)
	t.listens = nil
}

// unlistenContainer closes those of one container.
func (t *task) unlistenContainer(name string) {
	var closed, open []*endpoint
	for _, e := range t.listens {
		if e.Container == name {
			closed = append(closed, e)
		} else {
			open = append(open, e)
		}
	}
	t.place.sim.proxy.remove(closed)
	t.listens = open
}

func (p *proxy) add(list []*endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range list {
		p.endpoints[e.Address] = append(p.endpoints[e.Address], e)
	}
}

func (p *proxy) remove(list []*endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range list {
		left := slices.DeleteFunc(p.endpoints[e.Address], func(o *endpoint) bool { return o == e })
		if len(left) == 0 {
			delete(p.endpoints, e.Address)
			continue
		}
		p.endpoints[e.Address] = left
	}
}

// ServeHTTP answers a forward proxy's GET with an absolute URL.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !r.URL.IsAbs() || r.Method != http.MethodGet {
		http.Error(w, "this is a forward proxy for GET requests of http URLs", http.StatusMethodNotAllowed)
		return
	}
	address := r.URL.Host
	if r.URL.Port() == "" {
		address += ":80"
	}
	e, scrape, status := p.find("http://"+address+r.URL.Path, address, r.URL.Path)
	switch status {
	case http.StatusBadGateway:
		http.Error(w, "no running task listens on "+address, status)
	case http.StatusNotFound:
		http.Error(w, "404 page not found", status)
	default:
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = fmt.Fprint(w, e.page(scrape, p.now()))
	}
}

// find counts the request. Where tasks share an address the newest answers.
func (p *proxy) find(url, address, path string) (e *endpoint, scrape, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.endpoints[address]
	if len(list) == 0 {
		p.unlisted = miss(p.unlisted, Miss{URL: url, Time: p.now()})
		return nil, 0, http.StatusBadGateway
	}
	for _, e := range slices.Backward(list) {
		if e.Path == path {
			e.scrapes++
			p.scrapes[url]++
			return e, e.scrapes, http.StatusOK
		}
	}
	p.wrongPath = miss(p.wrongPath, Miss{URL: url, Time: p.now()})
	return nil, 0, http.StatusNotFound
}

func miss(list []Miss, m Miss) []Miss {
	if len(list) == missesKept {
		list = slices.Delete(list, 0, missesKept/2)
	}
	return append(list, m)
}

// Listeners lists every endpoint that a container now running listens on, by
// address, path and task.
func (s *Sim) Listeners() []Listener {
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	out := make([]Listener, 0, len(s.proxy.endpoints))
	for _, list := range s.proxy.endpoints {
		for _, e := range list {
			out = append(out, e.Listener)
		}
	}
	slices.SortFunc(out, func(a, b Listener) int {
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Path, b.Path), cmp.Compare(a.TaskARN, b.TaskARN))
	})
	return out
}

// Scrapes counts the pages answered, by URL without parameters, such as
// "http://10.0.1.7:8080/metrics".
func (s *Sim) Scrapes() map[string]int {
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	return maps.Clone(s.proxy.scrapes)
}

// BadGateways lists the requests answered 502, because no running task
// listened on the address, oldest first.
func (s *Sim) BadGateways() []Miss {
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	return slices.Clone(s.proxy.unlisted)
}

// WrongPaths lists the requests answered 404: something listened on the
// address, but not at the path. Oldest first.
func (s *Sim) WrongPaths() []Miss {
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	return slices.Clone(s.proxy.wrongPath)
}

// ResetScrapes forgets all counts and misses of the proxy.
func (s *Sim) ResetScrapes() {
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	clear(s.proxy.scrapes)
	s.proxy.unlisted, s.proxy.wrongPath = nil, nil
}
