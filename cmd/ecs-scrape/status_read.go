package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ecs-scrape/controller"
	"ecs-scrape/controller/s3object"
	"ecs-scrape/spec"
)

const (
	// statusWithin bounds how long an answer is waited for.
	statusWithin = 30 * time.Second
	// maxStatus bounds what is read of it.
	maxStatus = 64 << 20 // bytes
)

// statusSource is where a status is read from.
type statusSource struct {
	url, file, s3, http string
}

func (f *statusSource) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.url, "url", "http://"+defaultListen, "where the controller serves; a user and a password may be part of it")
	flags.StringVar(&f.http, "http.config.file", "", httpConfigUsage)
	flags.StringVar(&f.file, "file", "", "read this file instead: .state/status.json of the output directory")
	flags.StringVar(&f.s3, "s3", "", "read this object instead: s3://BUCKET/KEY, as the controller's --status.s3")
}

// reader gives the newest status.
type reader func(ctx context.Context) (*controller.Status, error)

func (f *statusSource) open(ctx context.Context) (reader, error) {
	switch {
	case f.file != "" && f.s3 != "":
		return nil, errors.New("--file and --s3 exclude each other")
	case f.file != "":
		return decoding(f.file, func(context.Context) ([]byte, error) { return os.ReadFile(f.file) }), nil
	case f.s3 != "":
		object, err := s3object.Open(ctx, f.s3)
		if err != nil {
			return nil, fmt.Errorf("--s3: %w", err)
		}
		return decoding(f.s3, object.Get), nil
	}
	client, err := newHTTPClient(f.http)
	if err != nil {
		return nil, err
	}
	address := strings.TrimSuffix(f.url, "/") + "/api/v1/status?targets=false"
	return decoding("the answer", func(ctx context.Context) ([]byte, error) { return ask(ctx, client, address) }), nil
}

// ask gets a page of the running controller.
func ask(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no controller answers: name its address by --url, or read what it has written by --file or --s3: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		return nil, fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(text)))
	}
	return io.ReadAll(io.LimitReader(response.Body, maxStatus))
}

func decoding(what string, get func(context.Context) ([]byte, error)) reader {
	return func(ctx context.Context) (*controller.Status, error) {
		ctx, cancel := context.WithTimeout(ctx, statusWithin)
		defer cancel()
		data, err := get(ctx)
		if err != nil {
			return nil, err
		}
		s := &controller.Status{}
		if err := json.Unmarshal(data, s); err != nil {
			return nil, fmt.Errorf("%s is no status: %w", what, err)
		}
		if s.APIVersion != spec.APIVersion || s.Kind != controller.StatusKind {
			return nil, fmt.Errorf("%s is no status: its apiVersion is %q and its kind %q, not %q and %q",
				what, s.APIVersion, s.Kind, spec.APIVersion, controller.StatusKind)
		}
		return s, nil
	}
}
