package spec

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// UnmarshalJSON accepts any JSON value.
func (v *Verbatim) UnmarshalJSON(data []byte) error {
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		return fmt.Errorf("read as YAML: %w", err)
	}
	v.Node = n.Content[0]
	return nil
}

// MarshalJSON writes the value as JSON; an absent one is null.
func (v Verbatim) MarshalJSON() ([]byte, error) {
	if v.Node == nil {
		return []byte("null"), nil
	}
	var value any
	if err := v.Node.Decode(&value); err != nil {
		return nil, fmt.Errorf("read YAML node: %w", err)
	}
	return json.Marshal(value)
}

// MarshalYAML writes the node as it stood.
func (v Verbatim) MarshalYAML() (any, error) {
	return v.Node, nil
}

// IsZero says whether the field is absent.
func (v Verbatim) IsZero() bool { return v.Node == nil }
