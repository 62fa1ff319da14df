package ecs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// metadataURI is where an ECS task learns about itself (Amazon ECS Developer
// Guide, "Task metadata endpoint version 4").
const metadataURI = "ECS_CONTAINER_METADATA_URI_V4"

// TaskARN is that of the ECS task that this process runs in; "" elsewhere.
func TaskARN(ctx context.Context) (string, error) { return taskARN(ctx, http.DefaultClient) }

// taskRegion is the region of the ECS task that this process runs in, or "".
// Tasks on EC2 are not told by AWS_REGION.
func (w *Watcher) taskRegion(ctx context.Context) (string, error) {
	arn, err := taskARN(ctx, w.http)
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[3], nil
	}
	return "", err
}

// doer is an HTTP client.
type doer interface {
	Do(request *http.Request) (*http.Response, error)
}

func taskARN(ctx context.Context, client doer) (string, error) {
	uri := os.Getenv(metadataURI)
	if uri == "" {
		return "", nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri+"/task", http.NoBody)
	if err != nil {
		return "", fmt.Errorf("ask the task metadata endpoint: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask the task metadata endpoint: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end below
	var task struct{ TaskARN string }
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&task); err != nil {
		return "", fmt.Errorf("ask the task metadata endpoint: %w", err)
	}
	return task.TaskARN, nil
}
