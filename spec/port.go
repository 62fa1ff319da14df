package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// errPort is wrapped by every error of ParsePort.
var errPort = errors.New("must be a port mapping's name or a plain number from 1 to 65535")

// ParsePort reads a port as it is written: digits are a number, all else a name.
func ParsePort(s string) (Port, error) {
	switch {
	case s == "":
		return Port{}, fmt.Errorf("is empty; %w", errPort)
	case strings.Trim(s, "0123456789") != "":
		return Port{Name: s}, nil
	}
	number, err := strconv.ParseUint(s, 10, 16)
	if err != nil || number == 0 || s[0] == '0' {
		return Port{}, fmt.Errorf("is %s; %w", s, errPort)
	}
	return Port{Number: uint16(number)}, nil
}

// String is the port as it is written.
func (p Port) String() string {
	if p.Name != "" {
		return p.Name
	}
	return strconv.Itoa(int(p.Number))
}

// MarshalJSON writes a number or a string.
func (p Port) MarshalJSON() ([]byte, error) {
	if p.Name != "" {
		return json.Marshal(p.Name)
	}
	return json.Marshal(p.Number)
}

// UnmarshalJSON reads a number or a string.
func (p *Port) UnmarshalJSON(data []byte) error {
	text := string(data)
	if len(data) > 0 && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("port: %w", err)
		}
	} else if strings.Trim(text, "0123456789") != "" {
		return fmt.Errorf("port %s %w", text, errPort)
	}
	port, err := ParsePort(text)
	if err != nil {
		return fmt.Errorf("port %w", err)
	}
	*p = port
	return nil
}

// decodePort reads a string or an integer written in decimal digits.
func (d *document) decodePort(n *yaml.Node, path string, p *Port) {
	number := n.Kind == yaml.ScalarNode && (n.Tag == "!!int" || n.Tag == "!!float")
	switch {
	case number && strings.Trim(n.Value, "0123456789") != "":
		d.report(n, path, fmt.Sprintf("is %s; %v", n.Value, errPort))
		return
	case !number && !isString(n):
		d.report(n, path, fmt.Sprintf("is %s; %v", describe(n), errPort))
		return
	}
	port, err := ParsePort(n.Value)
	if err != nil {
		d.report(n, path, err.Error())
		return
	}
	d.places[path] = n
	*p = port
}
