package artifact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

type fileGroup struct {
	Targets []string       `json:"targets"`
	Labels  model.LabelSet `json:"labels"`
}

// DecodePool reads a file_sd file in JSON, ours or another's, as strictly as
// Prometheus does (discovery/targetgroup). Targets come in the order of the
// file and without origins.
func DecodePool(data []byte) ([]Target, error) {
	if targets, ok := decodeOwn(string(data)); ok {
		return targets, nil
	}
	groups, err := decodeGroups(data)
	if err != nil {
		return nil, fmt.Errorf("decode targets: %w", err)
	}
	targets := make([]Target, 0, len(groups))
	builder := labels.NewScratchBuilder(16)
	for i, g := range groups {
		if g == nil {
			return nil, fmt.Errorf("decode targets: group %d is null", i)
		}
		for _, address := range g.Targets {
			targets = append(targets, Target{Labels: g.labels(&builder, address)})
		}
	}
	return targets, nil
}

func decodeGroups(data []byte) ([]*fileGroup, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var groups []*fileGroup
	if err := dec.Decode(&groups); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the list of groups")
	}
	return groups, nil
}

// labels are those of one target: the group's, and its own address over them.
func (g *fileGroup) labels(builder *labels.ScratchBuilder, address string) labels.Labels {
	builder.Reset()
	if address != "" {
		builder.Add(addressLabel, address)
	}
	for name, value := range g.Labels {
		if value != "" && name != addressLabel {
			builder.Add(string(name), string(value))
		}
	}
	builder.Sort()
	return builder.Labels()
}
