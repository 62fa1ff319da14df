package target

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// openSesame is the bcrypt hash of the password "open sesame".
const openSesame = "$2a$04$yLl8ORw4uU6WTliB4l7iGeJL5QpLWrALjNw.giendeg8XYSFIm8pu"

// TestRealPrometheusAsksForCredentials: TLS with a certificate of the client, and
// a password, below a prefix. The first password is wrong, and is mended in the
// file that it is in.
func TestRealPrometheusAsksForCredentials(t *testing.T) {
	t.Parallel()
	eachBinary(t, func(t *testing.T, binary string) {
		ca := newAuthority(t)
		for _, name := range []string{"server", "client"} {
			ca.issue(t, name, &x509.Certificate{})
		}
		put(t, ca.path("web.yml"), fmt.Sprintf(
			"tls_server_config: {cert_file: server.pem, key_file: server.key, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}\nbasic_auth_users: {reloader: %s}\n", openSesame))
		put(t, ca.path("password"), "open barley\n")
		put(t, ca.path("http.yml"), "tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client.key}\nbasic_auth: {username: reloader, password_file: password}\n")
		connection, err := NewConnection(ca.path("http.yml"))
		if err != nil {
			t.Fatal(err)
		}
		address := freeAddress(t)
		p := newPublishedAt(t, "https://"+address+"/prefix", PrometheusOptions{Connection: connection})
		publish(t, p.Directory, realConfig("", "groups: []\n"))
		startBinary(t, binary, p.ConfigPath(), t.TempDir(), address, "--web.enable-lifecycle", "--web.config.file="+ca.path("web.yml"))

		refused := p.until(t, func(err error) bool { return statusOf(err) == http.StatusUnauthorized })
		if text := refused.Error(); !strings.Contains(text, "--prometheus.config.file") || strings.Contains(text, "barley") {
			t.Errorf("without the password: %v", refused)
		}
		put(t, ca.path("password"), "open sesame\n")
		p.confirmed(t)
		publish(t, p.Directory, realConfig("  scrape_interval: 7s\n", "groups: []\n"))
		if got := p.confirmed(t); !got.Reloaded {
			t.Errorf("second configuration: %+v", got)
		}
		// Without its certificate it is refused, and with it taken again, without a restart.
		put(t, ca.path("http.yml"), "tls_config: {ca_file: ca.pem}\nbasic_auth: {username: reloader, password_file: password}\n")
		_ = p.until(t, isA[*UnreachableError]) // in other words each time: the refusal comes after the handshake
		put(t, ca.path("http.yml"), "tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client.key}\nbasic_auth: {username: reloader, password_file: password}\n")
		p.confirmed(t)
	})
}

// until has the configuration ensured until an attempt fails as expected.
func (p *published) until(t *testing.T, expected func(error) bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var found error
	report := p.reloader.Report
	defer func() { p.reloader.Report = report }()
	p.reloader.Report = func(state string, err error) {
		report(state, err)
		if err != nil && expected(err) {
			found = err
			cancel()
		}
	}
	if _, err := p.reloader.Ensure(ctx, p.want(t)); found == nil {
		t.Fatalf("Ensure() ended with %v\n%s", err, strings.Join(p.states, "\n"))
	}
	return found
}

// TestRealPrometheusBehindBearer: a proxy that wants a token.
func TestRealPrometheusBehindBearer(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	proxy := httptest.NewServer(behindBearer(address, "open-sesame-token"))
	defer proxy.Close()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "token"), "open-sesame-token\n")
	put(t, filepath.Join(dir, "http.yml"), "authorization: {credentials_file: token}\n")
	connection, err := NewConnection(filepath.Join(dir, "http.yml"))
	if err != nil {
		t.Fatal(err)
	}
	p := newPublishedAt(t, proxy.URL+"/prefix", PrometheusOptions{Connection: connection})
	publish(t, p.Directory, realConfig("", "groups: []\n"))
	startPrometheus(t, p.ConfigPath(), t.TempDir(), address, "--web.enable-lifecycle", "--web.external-url=http://example.test/elsewhere/")
	p.confirmed(t)
	publish(t, p.Directory, realConfig("  scrape_interval: 7s\n", "groups: []\n"))
	if got := p.confirmed(t); !got.Reloaded {
		t.Errorf("second configuration: %+v", got)
	}
	put(t, filepath.Join(dir, "token"), "another-token\n")
	if err := p.until(t, func(err error) bool { return statusOf(err) == http.StatusUnauthorized }); strings.Contains(err.Error(), "another") {
		t.Errorf("with another token: %v", err)
	}
}

func behindBearer(address, token string) http.Handler {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer "+token {
			http.Error(w, "not allowed with "+got, http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}
