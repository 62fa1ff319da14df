package target

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/prometheus/common/config"
)

// maxConnectionFile bounds the file and those that it names, in bytes.
const maxConnectionFile = 1 << 20

// Connection is how to reach a Prometheus that asks for TLS or credentials, from
// a file in the format of Prometheus's own HTTP client configuration
// (prometheus.io/docs, "Configuration", "http_config"). Files that it names are
// read anew as they change, and so is the file itself: a new version of it that
// is wrong leaves the last good one in use. It may be used concurrently.
type Connection struct {
	file    string
	secrets secrets

	mu        sync.Mutex
	content   []byte // that the transport was made from
	config    *config.HTTPClientConfig
	transport http.RoundTripper
	problem   error // with the newest content
}

// NewConnection reads the file, and every file that it names. An error tells no
// secret.
func NewConnection(file string) (*Connection, error) {
	c := &Connection{file: file}
	content, err := readSmall(file)
	if err != nil {
		return nil, err
	}
	if err := c.take(content); err != nil {
		return nil, err
	}
	return c, nil
}

// Problem is why the newest version of the file is not in use; nil where it is.
func (c *Connection) Problem() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}

// RoundTrip sends a request as the file says by now.
func (c *Connection) RoundTrip(req *http.Request) (*http.Response, error) {
	return c.current().RoundTrip(req)
}

// CloseIdleConnections gives up idle connections.
func (c *Connection) CloseIdleConnections() {
	c.mu.Lock()
	defer c.mu.Unlock()
	closeIdle(c.transport)
}

func closeIdle(transport http.RoundTripper) {
	if t, ok := transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// current is the transport of the newest good version of the file.
func (c *Connection) current() http.RoundTripper {
	content, err := readSmall(c.file)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.problem = err
	case bytes.Equal(content, c.content):
		c.problem = nil
	default: // also where it was wrong before: a file that it names may be there now
		c.problem = c.take(content)
	}
	// What the files hold now is what this request tells.
	if words, err := credentials(c.config); err == nil {
		c.secrets.add(words...)
	}
	return c.transport
}

// take puts a version of the file into use, or says what is wrong with it.
func (c *Connection) take(content []byte) error {
	cfg, err := config.LoadHTTPConfig(string(content))
	if err != nil {
		return fmt.Errorf("%s: %w", c.file, withoutValues(err))
	}
	dir := filepath.Dir(c.file)
	cfg.SetDirectory(dir)
	if cfg.OAuth2 != nil {
		cfg.OAuth2.ClientCertificateKeyFile = config.JoinDir(dir, cfg.OAuth2.ClientCertificateKeyFile)
	}
	words, err := credentials(cfg)
	c.secrets.add(words...)
	if err != nil {
		return fmt.Errorf("%s: %w", c.file, c.secrets.cutError(err))
	}
	transport, err := config.NewRoundTripperFromConfig(*cfg, "prometheus", config.WithIdleConnTimeout(time.Minute))
	if err != nil {
		return fmt.Errorf("%s: %w", c.file, c.secrets.cutError(err))
	}
	closeIdle(c.transport)
	c.content, c.config, c.transport = content, cfg, transport
	return nil
}

// Parts of an error of the YAML decoder that quote the file: a value of another
// type than expected, and an address that is none, to the end.
var (
	quotedValue = regexp.MustCompile("`[^`]*`")
	badAddress  = regexp.MustCompile(`parse "(?s:.*)`)
)

// withoutValues is the error of a file that may hold a secret anywhere.
func withoutValues(err error) error {
	text := quotedValue.ReplaceAllLiteralString(err.Error(), "a value")
	return errors.New(badAddress.ReplaceAllLiteralString(text, "an address is no URL: %-encode what is special in its password"))
}

func readSmall(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxConnectionFile+1))
	if err == nil && len(content) > maxConnectionFile {
		err = fmt.Errorf("%s has more than %d MiB: is it the right file?", file, maxConnectionFile>>20)
	}
	return content, err
}
