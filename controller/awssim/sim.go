package awssim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options configures a Sim. The zero value is an account whose changes are
// instant, with the documented quotas.
type Options struct {
	// Account is the default account, twelve digits; "123456789012" if empty.
	Account string
	// Region is the default region; "us-east-1" if empty.
	Region string
	// Quotas are the request quotas; nil means DocumentedQuotas. Use NoQuotas
	// to switch them off.
	Quotas Quotas
	// EventDelay is the time between a change and the arrival of its event in
	// the subscribed queues.
	EventDelay time.Duration
	// StartDelay is the time a task stays PENDING. Zero starts tasks at once.
	StartDelay time.Duration
	// StopDelay is the time between a task's desired status becoming STOPPED
	// and the task being STOPPED. Zero stops tasks at once.
	StopDelay time.Duration
	// Now is the clock of everything that is dated: task times, visibility of
	// messages, token buckets, expiry. Nil means time.Now. The delays above
	// always pass in real time.
	Now func() time.Time
	// Delivered, where it is set, is told of every message as it enters a
	// queue. It must return at once and call nothing of the simulator.
	Delivered func(queue, body string)
	// Seed makes generated identifiers reproducible.
	Seed uint64
	// ListenAddress is the address of the AWS endpoint; a free port of
	// 127.0.0.1 if empty.
	ListenAddress string
	// ProxyListenAddress is the address of the forward proxy; a free port of
	// 127.0.0.1 if empty.
	ProxyListenAddress string
}

// Scope names an account in a region.
type Scope struct {
	Account string
	Region  string
}

// Sim is a simulated AWS. It embeds its default Place, so that verbs can be
// called on it directly.
type Sim struct {
	*Place

	opts   Options
	mu     sync.Mutex // guards everything that a Place reaches, and the five below
	skew   time.Duration
	places map[Scope]*Place
	random *rand.Rand
	roles  map[string]role
	topics []objectTopic

	faultCounts *faultCounts
	gate        *gate
	clock       *schedule
	proxy       *proxy
	store       *objectStore
	tables      tables

	api      *webServer
	forward  *webServer
	done     chan struct{}
	stopOnce sync.Once
}

// Start runs a simulated AWS until Close.
func Start(opts Options) (*Sim, error) {
	opts = opts.withDefaults()
	apiListener, err := listen(opts.ListenAddress)
	if err != nil {
		return nil, fmt.Errorf("listen for the AWS endpoint: %w", err)
	}
	proxyListener, err := listen(opts.ProxyListenAddress)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for the proxy: %w", err), apiListener.Close())
	}
	counts := newFaultCounts()
	s := &Sim{
		faultCounts: counts,
		opts:        opts,
		places:      map[Scope]*Place{},
		random:      rand.New(rand.NewPCG(opts.Seed, 1)),
		roles:       map[string]role{},
		gate:        newGate(opts.Quotas, opts.Now, opts.Seed, counts),
		clock:       newSchedule(),
		proxy:       newProxy(opts.Now),
		done:        make(chan struct{}),
	}
	s.store = newObjectStore(s.toldObject)
	s.tables = newTables(s)
	s.Place = s.Region(opts.Account, opts.Region)
	s.api = newServer(apiListener, http.HandlerFunc(s.serveAPI))
	s.forward = newServer(proxyListener, s.proxy)
	s.api.start()
	s.forward.start()
	return s, nil
}

func listen(address string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(context.Background(), "tcp", address)
}

func (o Options) withDefaults() Options {
	o.Account = cmp.Or(o.Account, "123456789012")
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.ListenAddress = cmp.Or(o.ListenAddress, "127.0.0.1:0")
	o.ProxyListenAddress = cmp.Or(o.ProxyListenAddress, "127.0.0.1:0")
	if o.Quotas == nil {
		o.Quotas = DocumentedQuotas()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Close stops both listeners, releases what hangs, and waits for every
// goroutine of the simulator. It may be called more than once.
func (s *Sim) Close() {
	s.stopOnce.Do(func() {
		close(s.done)
		s.gate.close()
		s.clock.close()
		s.api.close()
		s.forward.close()
	})
}

// URL is the endpoint of every simulated service.
func (s *Sim) URL() string { return "http://" + s.api.address }

// ProxyURL is the forward proxy through which the tasks can be scraped.
func (s *Sim) ProxyURL() string { return "http://" + s.forward.address }

// Region answers the given account in the given region, which comes into being
// by being asked for. An empty string means the default.
func (s *Sim) Region(account, region string) *Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.place(Scope{Account: cmp.Or(account, s.opts.Account), Region: cmp.Or(region, s.opts.Region)})
}

func (s *Sim) place(scope Scope) *Place {
	p, ok := s.places[scope]
	if !ok {
		p = newPlace(s, scope, len(s.places))
		s.places[scope] = p
	}
	return p
}

// SetEventDelay changes Options.EventDelay for the events to come.
func (s *Sim) SetEventDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.EventDelay = d
	s.faultCounts.armed("SetEventDelay")
}

// hexID is n random hexadecimal digits; the caller holds the lock.
func (s *Sim) hexID(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[s.random.IntN(len(digits))]
	}
	return string(b)
}
