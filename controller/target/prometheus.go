package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// PrometheusOptions of [NewPrometheus]; the zero value is what is wanted of a
// Prometheus on the same host.
type PrometheusOptions struct {
	// Transport adds what the connection needs: TLS, credentials. Default: a
	// transport of its own with Go's defaults.
	Transport http.RoundTripper
	// Timeout of each request but Reload. Default: 10 s.
	Timeout time.Duration
	// ReloadTimeout of Reload, which answers when all is loaded. Default: 60 s.
	ReloadTimeout time.Duration
}

// maxAnswer bounds an answer, in bytes. The list of 10,000 pools has about 500 KiB.
const maxAnswer = 8 << 20

// Prometheus asks one Prometheus by its HTTP API, version 2.42 or later. Its
// methods may be called concurrently.
type Prometheus struct {
	base   string
	client *http.Client
	opts   PrometheusOptions
}

// NewPrometheus takes the address that Prometheus is reached at, with its
// prefix if it has one (--web.external-url, --web.route-prefix).
func NewPrometheus(baseURL string, opts PrometheusOptions) (*Prometheus, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("address of Prometheus: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("address of Prometheus %q: want http://HOST:PORT or https://HOST:PORT, and a path prefix if it has one", u.Redacted())
	}
	if opts.Transport == nil {
		opts.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute}
	}
	if opts.Timeout == 0 {
		opts.Timeout = 10 * time.Second
	}
	if opts.ReloadTimeout == 0 {
		opts.ReloadTimeout = time.Minute
	}
	client := &http.Client{
		Transport: opts.Transport,
		// A redirect would turn the POST of a reload into a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Prometheus{base: strings.TrimRight(u.String(), "/"), client: client, opts: opts}, nil
}

// Close gives up idle connections.
func (p *Prometheus) Close() { p.client.CloseIdleConnections() }

// StatusError is an answer other than 200.
type StatusError struct {
	Method, Path string
	Status       int
	Body         string // its beginning
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s %s: status %d", e.Method, e.Path, e.Status)
	if e.Body != "" {
		text += ": " + e.Body
	}
	switch e.Status {
	case http.StatusNotFound, http.StatusMovedPermanently, http.StatusFound:
		text += " (does its address need a path prefix?)"
	case http.StatusUnauthorized:
		text += " (it asks for credentials)"
	}
	return text
}

// Ready says whether /-/ready answers 200. It does not while the WAL is read or
// the process ends, which is no error.
func (p *Prometheus) Ready(ctx context.Context) (bool, error) {
	_, err := p.do(ctx, p.opts.Timeout, http.MethodGet, "/-/ready")
	if statusOf(err) == http.StatusServiceUnavailable {
		return false, nil
	}
	return err == nil, err
}

// Reload asks for a reload and waits for its end: nil is the answer 200, and a
// [*StatusError] any other.
func (p *Prometheus) Reload(ctx context.Context) error {
	_, err := p.do(ctx, p.opts.ReloadTimeout, http.MethodPost, "/-/reload")
	return err
}

// Runtime is what /api/v1/status/runtimeinfo says of the last reload.
type Runtime struct {
	StartTime           time.Time `json:"startTime"`
	CWD                 string    `json:"CWD"`
	ReloadConfigSuccess bool      `json:"reloadConfigSuccess"`
	LastConfigTime      time.Time `json:"lastConfigTime"` // of the last that succeeded; whole seconds
}

// Runtime reads the state of the process.
func (p *Prometheus) Runtime(ctx context.Context) (Runtime, error) {
	var info Runtime
	err := p.api(ctx, "/api/v1/status/runtimeinfo", &info)
	return info, err
}

// Flags are the command line's, with their defaults.
func (p *Prometheus) Flags(ctx context.Context) (map[string]string, error) {
	var flags map[string]string
	err := p.api(ctx, "/api/v1/status/flags", &flags)
	return flags, err
}

// Pools are the names of the scrape pools that exist, which are those with a
// target.
func (p *Prometheus) Pools(ctx context.Context) ([]string, error) {
	var data struct {
		ScrapePools []string `json:"scrapePools"`
	}
	err := p.api(ctx, "/api/v1/scrape_pools", &data)
	return data.ScrapePools, err
}

// BuildInfo is the version, such as "3.15.0"; "" where the build does not know
// it, as one from the module does not.
func (p *Prometheus) BuildInfo(ctx context.Context) (version string, err error) {
	var data struct {
		Version string `json:"version"`
	}
	err = p.api(ctx, "/api/v1/status/buildinfo", &data)
	return data.Version, err
}

// api reads the data of an answer of the HTTP API (prometheus.io/docs, "HTTP
// API", "Format overview").
func (p *Prometheus) api(ctx context.Context, path string, into any) error {
	body, err := p.do(ctx, p.opts.Timeout, http.MethodGet, path)
	if err != nil {
		return err
	}
	answer := struct {
		Status string `json:"status"`
		Data   any    `json:"data"`
		Error  string `json:"error"`
	}{Data: into}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("GET %s: the answer is not Prometheus's: %w", path, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("GET %s: status %q: %s", path, answer.Status, answer.Error)
	}
	return nil
}

func (p *Prometheus) do(ctx context.Context, timeout time.Duration, method, path string) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, method, p.base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, timedOut(ctx, err, timeout)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, timedOut(ctx, err, timeout))
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &StatusError{Method: method, Path: path, Status: resp.StatusCode, Body: beginning(body)}
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("%s %s: the answer has more than %d MiB", method, path, maxAnswer>>20)
	}
	return body, nil
}

// timedOut names the time limit where it was ours that ended the request.
func timedOut(ctx context.Context, err error, timeout time.Duration) error {
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s: %w", timeout, err)
	}
	return err
}

// beginning is text of an answer that fits a message.
func beginning(body []byte) string {
	const most = 2000
	text := strings.TrimSpace(strings.ToValidUTF8(string(body[:min(len(body), most)]), "\ufffd"))
	if len(body) > most {
		text += " ..."
	}
	return text
}

func statusOf(err error) int {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Status
	}
	return 0
}
