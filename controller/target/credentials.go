package target

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/common/config"
)

// credentials are all words of a configuration that are secret, or may be, those
// of the files that it names included. The error names the files that cannot
// be read, with their fields.
func credentials(cfg *config.HTTPClientConfig) ([]string, error) {
	g := &gathered{}
	g.basic(cfg.BasicAuth)
	if a := cfg.Authorization; a != nil {
		g.word(string(a.Credentials))
		g.file("authorization.credentials_file", a.CredentialsFile)
	}
	g.oauth2(cfg.OAuth2)
	g.word(string(cfg.TLSConfig.Key))
	g.proxy(&cfg.ProxyConfig)
	if cfg.HTTPHeaders != nil {
		for name, h := range cfg.HTTPHeaders.Headers {
			g.header(name, h)
		}
	}
	return g.words, errors.Join(g.errs...)
}

type gathered struct {
	words []string
	errs  []error
}

func (g *gathered) word(words ...string) { g.words = append(g.words, words...) }

// file adds what a file holds, as the library reads it: without space around it.
func (g *gathered) file(field, name string) string {
	if name == "" {
		return ""
	}
	content, err := readSmall(name)
	if err != nil {
		g.errs = append(g.errs, fmt.Errorf("%s: %w", field, err))
		return ""
	}
	text := strings.TrimSpace(string(content))
	g.word(text)
	return text
}

// basic adds the password, and the header that it travels in.
func (g *gathered) basic(a *config.BasicAuth) {
	if a == nil {
		return
	}
	user, password := a.Username, string(a.Password)
	if a.UsernameFile != "" {
		user = g.file("basic_auth.username_file", a.UsernameFile)
	}
	if a.PasswordFile != "" {
		password = g.file("basic_auth.password_file", a.PasswordFile)
	}
	g.word(password, user+":"+password)
}

func (g *gathered) oauth2(o *config.OAuth2) {
	if o == nil {
		return
	}
	g.word(string(o.ClientSecret), string(o.ClientCertificateKey), string(o.TLSConfig.Key))
	g.file("oauth2.client_secret_file", o.ClientSecretFile)
	g.file("oauth2.client_certificate_key_file", o.ClientCertificateKeyFile)
	for _, value := range o.EndpointParams {
		g.word(value)
	}
	g.proxy(&o.ProxyConfig)
}

func (g *gathered) proxy(p *config.ProxyConfig) {
	if u := p.ProxyURL.URL; u != nil && u.User != nil {
		password, _ := u.User.Password()
		g.word(password, u.User.String())
	}
	for _, values := range p.ProxyConnectHeader {
		for _, value := range values {
			g.word(string(value))
		}
	}
}

func (g *gathered) header(name string, h config.Header) {
	g.word(h.Values...)
	for _, secret := range h.Secrets {
		g.word(string(secret))
	}
	for _, file := range h.Files {
		g.file("http_headers."+name+".files", file)
	}
}
