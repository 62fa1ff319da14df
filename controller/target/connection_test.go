package target

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func connectionFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "prometheus.http.yml")
	put(t, file, text)
	return file
}

func TestNewConnectionRefuses(t *testing.T) {
	const hidden = "hunter2hunter2"
	tests := map[string]struct{ text, want string }{
		"unknown field":         {"basic_aut: {username: a}\n", "field basic_aut not found"},
		"not a mapping":         {hidden + "\n", "line 1: cannot unmarshal"},
		"a value for a mapping": {"basic_auth: " + hidden + "\n", "line 1: cannot unmarshal"},
		"two credentials":       {"basic_auth: {username: a, password: " + hidden + "}\nauthorization: {credentials: " + hidden + "}\n", "at most one of basic_auth"},
		"no password file":      {"basic_auth: {username: a, password_file: missing.txt}\n", "basic_auth.password_file: open "},
		"no credentials file":   {"authorization: {credentials_file: missing.txt}\n", "authorization.credentials_file: open "},
		"no CA file":            {"tls_config: {ca_file: missing.pem}\n", "missing.pem"},
		"a CA file that is none": {
			"tls_config: {ca_file: prometheus.http.yml}\n", "unable to use specified CA cert",
		},
		"a certificate without a key": {"tls_config: {cert_file: prometheus.http.yml}\n", "key_file must be configured"},
		"a proxy that is no URL":      {"proxy_url: \"http://user:" + hidden + "%zz@proxy\"\n", "no URL"},
		"a proxy with a bad port":     {"proxy_url: \"http://user:" + hidden + "#@proxy\"\n", "no URL"},
		"a secret manager's name":     {"basic_auth: {username: a, password_ref: x}\n", "secret ref without manager"},
		"a header of its own":         {"http_headers: {Authorization: {secrets: [" + hidden + "]}}\n", "setting header"},
		"a header's file":             {"http_headers: {X-Token: {files: [missing.txt]}}\n", "http_headers.X-Token.files: open "},
		"too large":                   {"# " + strings.Repeat("x", maxConnectionFile) + "\n", "more than 1 MiB"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			file := connectionFile(t, tc.text)
			_, err := NewConnection(file)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("error %v, want one with the file and %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), hidden[:7]) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
	if _, err := NewConnection(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("a missing file: %v", err)
	}
}

// echo answers with what it was told.
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, strings.Join([]string{r.Header.Get("Authorization"), user, password, r.Header.Get("X-Token")}, " | "))
	}))
	t.Cleanup(server.Close)
	return server
}

// TestConnectionFollowsItsFile: a new version is taken without a restart, a
// wrong one is reported and the last good one stays.
func TestConnectionFollowsItsFile(t *testing.T) {
	var token string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}))
	defer server.Close()
	file := connectionFile(t, "authorization: {credentials: first-token}\n")
	connection, err := NewConnection(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPrometheus(server.URL, PrometheusOptions{Connection: connection})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	sends := func(what, want, problem string) {
		t.Helper()
		if _, err := p.Ready(t.Context()); err != nil || token != want {
			t.Errorf("%s: token %q, want %q; %v", what, token, want, err)
		}
		got := p.Problem()
		if (got == nil) != (problem == "") || got != nil && !strings.Contains(got.Error(), problem) {
			t.Errorf("%s: problem %v, want %q", what, got, problem)
		}
	}
	sends("as it was", "first-token", "")
	put(t, file, "authorization: {credentials: second-token}\n")
	sends("changed", "second-token", "")
	put(t, file, "authorization: [\n")
	sends("broken", "second-token", "yaml")
	put(t, file, "authorization: {credentials_file: token}\n")
	sends("its file is missing", "second-token", "authorization.credentials_file")
	put(t, filepath.Join(filepath.Dir(file), "token"), "third-token\n")
	sends("its file is there", "third-token", "")
	put(t, filepath.Join(filepath.Dir(file), "token"), "fourth-token\n")
	sends("its file changed", "fourth-token", "")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	sends("removed", "fourth-token", "no such file")
}

// TestNoSecretIsTold: neither in the answer to a reload, which goes into logs
// and the status, nor in an error.
func TestNoSecretIsTold(t *testing.T) {
	server := echo(t)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "secret"), "from/a file&more\n")
	tests := map[string]struct{ address, text string }{
		"in the address": {strings.Replace(server.URL, "http://", "http://admin:from%2Fa%20file&more@", 1), ""},
		"basic auth":     {server.URL, "basic_auth: {username: admin, password: from/a file&more}\n"},
		"password file":  {server.URL, "basic_auth: {username: admin, password_file: secret}\n"},
		"bearer":         {server.URL, "authorization: {credentials_file: secret}\n"},
		"header":         {server.URL, "http_headers: {X-Token: {files: [secret]}}\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o := PrometheusOptions{}
			if tc.text != "" {
				put(t, filepath.Join(dir, "http.yml"), tc.text)
				connection, err := NewConnection(filepath.Join(dir, "http.yml"))
				if err != nil {
					t.Fatal(err)
				}
				o.Connection = connection
			}
			p, err := NewPrometheus(tc.address, o)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			err = p.Reload(t.Context())
			if err == nil || !strings.Contains(err.Error(), cutMark) {
				t.Errorf("error %v, want one with %s", err, cutMark)
			}
			for _, secret := range []string{"from/a", "file&more", "YWRtaW46", "file%26more"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells %q: %v", secret, err)
				}
			}
		})
	}
}

func TestNoSecretOfAnAddressIsTold(t *testing.T) {
	for _, address := range []string{
		"http://admin:hunter2@", "http://admin:hunter2%zz@host", "http://admin:hunter2#@host", "http://admin:hunter2/@host",
		"http://admin:hunter2?@host", "ftp://admin:hunter2@host", "http://admin:hunter2@host/?a=b", "admin:hunter2@host",
	} {
		if _, err := NewPrometheus(address, PrometheusOptions{}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", address, err)
		}
	}
	p, err := NewPrometheus("http://admin:hunter2@127.0.0.1:1/prefix/", PrometheusOptions{})
	if err != nil || p.Address() != "http://127.0.0.1:1/prefix" {
		t.Fatalf("%v, %v", p, err)
	}
	if _, err := p.Ready(t.Context()); err == nil || strings.Contains(err.Error(), "admin") {
		t.Errorf("error %v", err)
	}
}
