package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// TestPageFromOutside: with --web.config.file the pages, their stylesheet, the
// status and the metrics are served over TLS and to those who know the password.
func TestPageFromOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()})
	w.write("main.yaml", "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {}\n")
	dir := t.TempDir()
	client := servesTLS(t, dir)
	// The hash is bcrypt's of "open sesame".
	config := "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n" +
		"basic_auth_users: {reader: $2a$04$yLl8ORw4uU6WTliB4l7iGeJL5QpLWrALjNw.giendeg8XYSFIm8pu}\n"
	must(t, os.WriteFile(filepath.Join(dir, "web.yml"), []byte(config), 0o600))
	self, err := os.Executable()
	must(t, err)
	w.controller = w.start("ecs-scrape", self, w.environment(), "run", "--specs", w.specs, "--output", w.output, "--prometheus.url=",
		"--web.listen-address", w.web, "--web.config.file", filepath.Join(dir, "web.yml"))
	w.eventually("the page is served", func() error {
		code, body, err := asked(t, client, "https://"+w.web+"/", "open sesame")
		if err == nil && (code != http.StatusOK || !strings.Contains(body, `<a href="object?kind=PrometheusConfig&amp;name=main">`)) {
			err = fmt.Errorf("%d: %s", code, body)
		}
		return err
	})
	for _, path := range []string{"/", "/style.css", "/object?kind=PrometheusConfig&name=main", "/search?q=main", "/api/v1/status", "/metrics"} {
		for password, want := range map[string]int{"open sesame": http.StatusOK, "another": http.StatusUnauthorized, "": http.StatusUnauthorized} {
			if code, _, err := asked(t, client, "https://"+w.web+path, password); err != nil || code != want {
				t.Errorf("%s with the password %q: %d, %v", path, password, code, err)
			}
		}
	}
	if code, body, err := asked(t, client, "http://"+w.web+"/", "open sesame"); err == nil && code == http.StatusOK {
		t.Errorf("without TLS: %d, %s", code, body)
	}
}

// servesTLS leaves a certificate and its key in a directory, and gives a client that trusts it.
func servesTLS(t *testing.T, dir string) *http.Client {
	t.Helper()
	server := httptest.NewTLSServer(nil) // for its certificate, which is of 127.0.0.1
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	must(t, err)
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: server.Certificate().Raw}, "key.pem": {Type: "PRIVATE KEY", Bytes: key},
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// asked is the answer to the user "reader", or to nobody where there is no password.
func asked(t *testing.T, client *http.Client, url, password string) (code int, body string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	if password != "" {
		request.SetBasicAuth("reader", password)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, string(data), err
}

// TestListensOnLoopback: without a flag nobody outside reaches the page.
func TestListensOnLoopback(t *testing.T) {
	t.Parallel()
	flag := newRunCmd(nil).Flags().Lookup("web.listen-address")
	host, _, err := net.SplitHostPort(flag.DefValue)
	must(t, err)
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		t.Errorf("listens at %s, %v", flag.DefValue, err)
	}
}
