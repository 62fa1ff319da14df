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
	// Connection adds what is needed to reach it: TLS, credentials, a proxy.
	// Default: a transport of its own with Go's defaults.
	Connection *Connection
	// Transport is used instead where there is no Connection.
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
	base    string // without user and password
	user    *url.Userinfo
	secrets *secrets
	client  *http.Client
	opts    PrometheusOptions
}

// NewPrometheus takes the address that Prometheus is reached at, with its
// prefix if it has one (--web.external-url, --web.route-prefix). A user and a
// password in it are used, and told nowhere.
func NewPrometheus(baseURL string, opts PrometheusOptions) (*Prometheus, error) {
	u, err := parseAddress(baseURL)
	if err != nil {
		return nil, err
	}
	if opts.Timeout == 0 {
		opts.Timeout = 10 * time.Second
	}
	if opts.ReloadTimeout == 0 {
		opts.ReloadTimeout = time.Minute
	}
	p := &Prometheus{user: u.User, secrets: &secrets{}, opts: opts}
	transport := opts.Transport
	switch {
	case opts.Connection != nil:
		transport, p.secrets = opts.Connection, &opts.Connection.secrets
	case transport == nil:
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		p.secrets.add(password, u.User.Username()+":"+password)
	}
	u.User = nil
	p.base = strings.TrimRight(u.String(), "/")
	p.client = &http.Client{
		Transport: transport,
		// A redirect would turn the POST of a reload into a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p, nil
}

var errAddress = errors.New("want http://HOST:PORT or https://HOST:PORT, and a path prefix if it has one")

// parseAddress shows of a wrong address only what can be no password.
func parseAddress(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@") && (err != nil || u.User == nil || strings.Contains(u.Path+u.RawQuery+u.Fragment, "@")):
		return nil, fmt.Errorf("address of Prometheus: %w; a user and a password before @ must be %%-encoded", errAddress)
	case err != nil:
		return nil, fmt.Errorf("address of Prometheus: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		u.User = nil
		return nil, fmt.Errorf("address of Prometheus %q: %w", u, errAddress)
	}
	return u, nil
}

// Address is where it is reached, without credentials.
func (p *Prometheus) Address() string { return p.base }

// Problem is why the newest version of the connection's file is not in use; nil
// where it is, or where there is none.
func (p *Prometheus) Problem() error {
	if p.opts.Connection == nil {
		return nil
	}
	return p.opts.Connection.Problem()
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
		text += " (it asks for credentials, which a file named by --prometheus.config.file can hold)"
	case http.StatusBadRequest:
		if strings.Contains(e.Body, "HTTP request to an HTTPS server") {
			text += " (its address begins with https://)"
		}
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
		return p.secrets.cutError(fmt.Errorf("GET %s: the answer is not Prometheus's: %w", path, err))
	}
	if answer.Status != "success" {
		return fmt.Errorf("GET %s: status %q: %s", path, beginning(p.secrets.cut(answer.Status)), beginning(p.secrets.cut(answer.Error)))
	}
	return nil
}

// do reads an answer whole. No error of it tells a secret.
func (p *Prometheus) do(ctx context.Context, timeout time.Duration, method, path string) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, err := p.send(limited, method, path)
	if err != nil {
		return nil, p.secrets.cutError(timedOut(ctx, err, timeout))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, p.secrets.cutError(fmt.Errorf("%s %s: %w", method, path, timedOut(ctx, err, timeout)))
	}
	if resp.StatusCode != http.StatusOK {
		return nil, p.refusal(method, path, resp.StatusCode, body)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("%s %s: the answer has more than %d MiB", method, path, maxAnswer>>20)
	}
	return body, nil
}

func (p *Prometheus) send(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, nil)
	if err != nil {
		return nil, err
	}
	if p.user != nil {
		password, _ := p.user.Password()
		req.SetBasicAuth(p.user.Username(), password)
	}
	return p.client.Do(req)
}

// refusal cuts secrets before it shortens, which could leave half of one.
func (p *Prometheus) refusal(method, path string, status int, body []byte) error {
	return &StatusError{Method: method, Path: path, Status: status, Body: beginning(p.secrets.cut(string(body)))}
}

// timedOut names the time limit where it was ours that ended the request.
func timedOut(ctx context.Context, err error, timeout time.Duration) error {
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s: %w", timeout, err)
	}
	return err
}

// beginning is text of an answer that fits a message.
func beginning(body string) string {
	const most = 2000
	text := strings.TrimSpace(strings.ToValidUTF8(body[:min(len(body), most)], "\ufffd"))
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
