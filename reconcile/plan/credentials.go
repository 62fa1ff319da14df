package plan

import (
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/config"
)

// hasCredentials says that the job shows something secret to whom it scrapes: a
// password, a token, a client certificate, a secret header. Whoever can point
// such a job elsewhere can read it.
func hasCredentials(c *config.ScrapeConfig) bool {
	h := &c.HTTPClientConfig
	return h.BasicAuth != nil || h.Authorization != nil || h.OAuth2 != nil ||
		h.BearerToken != "" || h.BearerTokenFile != "" ||
		hasClientCertificate(&h.TLSConfig) || hasSecretHeader(h)
}

func hasClientCertificate(t *commonconfig.TLSConfig) bool {
	return t.Cert != "" || t.CertFile != "" || t.CertRef != "" || t.Key != "" || t.KeyFile != "" || t.KeyRef != ""
}

func hasSecretHeader(h *commonconfig.HTTPClientConfig) bool {
	for _, values := range h.ProxyConnectHeader {
		if len(values) > 0 {
			return true
		}
	}
	if h.HTTPHeaders == nil {
		return false
	}
	for _, header := range h.HTTPHeaders.Headers {
		if len(header.Secrets) > 0 || len(header.Files) > 0 {
			return true
		}
	}
	return false
}
