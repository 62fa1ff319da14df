package source

import (
	"errors"
	"fmt"
	"net/http"

	"ecs-scrape/controller/s3client"
)

func status(err error) int  { return s3client.Status(err) }
func code(err error) string { return s3client.Code(err) }

// changed marks the error for an object that is gone or is another by now.
func changed(err error) error {
	if code(err) == "NoSuchBucket" {
		return err
	}
	switch status(err) {
	case http.StatusNotFound, http.StatusPreconditionFailed, http.StatusConflict:
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return err
}

// refusal says why S3 does not hand out an object.
func refusal(err error) string {
	name := code(err)
	if name == "" {
		name = "Forbidden"
	}
	return "S3 refuses to hand it out (" + name + "); allow s3:GetObject and its KMS key, or restore it from its archive"
}

// explain says what is wrong and what would mend it. action is what IAM has to
// allow for the call, and resource on what.
func (l location) explain(err error, action, resource string) error {
	if errors.Is(err, ErrChanged) {
		return &changedError{err}
	}
	return s3client.Explain(err, l.bucket, action, resource)
}

// changedError is told as ErrChanged alone, which is the same each time.
type changedError struct{ err error }

func (c *changedError) Error() string { return ErrChanged.Error() }
func (c *changedError) Unwrap() error { return c.err }
