package validate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/discovery"

	"ecs-scrape/reconcile/artifact"
)

// place is how Prometheus's parsers begin a message: with a line, or a line and
// a column, of the rendered file. Of two places the second is dropped.
var place = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): |(\d+):\d+: (?:\d+:\d+: )?)`)

// newError takes the place out of the message, makes it one line, and leaves
// out what is a secret or may be one: messages reach logs and pages.
func newError(path, message string) *Error {
	e := &Error{File: path, Message: strings.Join(strings.Fields(message), " ")}
	if m := place.FindStringSubmatch(e.Message); m != nil {
		e.Line, _ = strconv.Atoi(m[1] + m[2])
		e.Message = e.Message[len(m[0]):]
	}
	e.Message = withoutUser(e.Message)
	if path == artifact.ConfigFile {
		e.Message = explainDiscovery(withoutValue(e.Message))
	}
	return e
}

const redacted = "<redacted>"

var (
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	user   = regexp.MustCompile(`//[^\s"]*@`)
)

// withoutUser leaves out the user and the password of URLs. Of a URL that does
// not parse Go quotes the whole, and then what is wrong with it, which may be a
// part of the password.
func withoutUser(message string) string {
	var secrets []string
	message = quoted.ReplaceAllStringFunc(message, func(q string) string {
		address, err := strconv.Unquote(q)
		if err != nil {
			return q
		}
		for _, s := range secrets {
			if address != "" && strings.Contains(s, address) {
				return strconv.Quote(redacted)
			}
		}
		start, end := strings.Index(address, "//")+len("//"), strings.LastIndex(address, "@")
		if start < len("//") && strings.Contains(message, "parse "+q) {
			start = 0
		}
		if start == len("//")-1 || end <= start {
			return q
		}
		secrets = append(secrets, address[start:end])
		return strconv.Quote(address[:start] + redacted + address[end:])
	})
	return user.ReplaceAllString(message, "//"+redacted+"@")
}

var (
	// badValue is a value of another type than its field's.
	badValue = regexp.MustCompile("(cannot (?:unmarshal|decode) \\S+) `(.*)` (into|as a) (\\S+)$")
	harmless = regexp.MustCompile(`^(?:.{0,4}|[-+0-9.]+(?:ms|[smhdwy])?|true|false)$`)
	counts   = regexp.MustCompile(`^(?:u?int\d*|float\d*|bool|model\.Duration|time\.Duration)$`)
)

// withoutValue leaves out values that stand where a section or a list should
// be: `authorization: TOKEN` is a likely slip. A number's, a switch's or a
// duration's field holds no secret.
func withoutValue(message string) string {
	m := badValue.FindStringSubmatch(message)
	if len(m) == 0 || harmless.MatchString(m[2]) || counts.MatchString(m[4]) {
		return message
	}
	return strings.TrimSuffix(message, m[0]) + m[1] + " `" + redacted + "` " + m[3] + " " + m[4]
}

var unknownDiscovery = regexp.MustCompile(`^field (\w+_sd_configs) not found in type config\.\w+$`)

// explainDiscovery says of a discovery that Prometheus has and this program is
// built without that it is so.
func explainDiscovery(message string) string {
	m := unknownDiscovery.FindStringSubmatch(message)
	if m == nil {
		return message
	}
	return fmt.Sprintf("this version of ecs-scrape does not know the discovery %s, so it cannot judge it; use one that it knows (%s), such as file_sd_configs with a file that another program writes",
		m[1], strings.Join(discoveries(), ", "))
}

// discoveries are the fields of the discovery types that are built in.
var discoveries = sync.OnceValue(func() []string {
	registry := prometheus.NewRegistry()
	known, _ := discovery.RegisterSDMetrics(registry, discovery.NewRefreshMetrics(registry))
	var out []string
	for name := range known {
		if name == "static" {
			out = append(out, "static_configs")
		} else {
			out = append(out, name+"_sd_configs")
		}
	}
	slices.Sort(out)
	return out
})
