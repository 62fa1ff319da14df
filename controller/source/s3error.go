package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// failure is an error of S3 in words that are the same each time, with the remedy.
type failure struct {
	text string
	err  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

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

// status is the HTTP status of the answer that the error is; 0 where it is none.
func status(err error) int {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) {
		return 0
	}
	return response.HTTPStatusCode()
}

// code is S3's name for the error; "" where it has none.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
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
	if err == nil || errors.Is(err, ErrChanged) && code(err) == "" || errors.Is(err, context.Canceled) {
		return err
	}
	text := l.reason(err, action, resource)
	if text == "" {
		return err
	}
	if errors.Is(err, ErrChanged) {
		text = ErrChanged.Error()
	}
	return &failure{text: text, err: err}
}

func (l location) reason(err error, action, resource string) string {
	name := code(err)
	switch name {
	case "NoSuchBucket":
		return fmt.Sprintf("there is no bucket %s; mend the location, or create it", l.bucket)
	case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return fmt.Sprintf("the bucket is in another region%s; set AWS_REGION to it (%s)", inRegion(err), name)
	case "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "RequestTimeTooSkewed":
		return fmt.Sprintf("S3 does not take the credentials (%s); mend them, or the clock", name)
	}
	switch status(err) {
	case 0:
		return l.unanswered(err)
	case http.StatusForbidden:
		if name == "" {
			name = "Forbidden"
		}
		return fmt.Sprintf("S3 denies it (%s); allow %s on %s, in the role's policy and the bucket's, and its KMS key", name, action, resource)
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return strings.TrimSuffix(fmt.Sprintf("S3 answers %d %s: %s", status(err), name, api.ErrorMessage()), ": ")
	}
	return fmt.Sprintf("S3 answers %d, in a form that is not S3's; see that the endpoint is one of S3", status(err))
}

// unanswered says why there was no answer, without what differs each time: the
// ports of connections, the number of attempts.
func (l location) unanswered(err error) string {
	if text := err.Error(); strings.Contains(text, "get credentials") || strings.Contains(text, "failed to refresh cached credentials") {
		return "there are no credentials for AWS; give the task a role, or name a profile"
	}
	var send *smithyhttp.RequestSendError
	if !errors.As(err, &send) {
		return ""
	}
	return fmt.Sprintf("S3 cannot be reached: %s; see to the network, or to AWS_ENDPOINT_URL", cause(send.Err))
}

// cause is the innermost reason of a failed request, with the address that was
// asked.
func cause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		if op.Addr == nil || op.Op != "dial" {
			return fmt.Sprintf("%s: %v", op.Op, op.Err)
		}
		return fmt.Sprintf("%s %s: %v", op.Op, op.Addr, op.Err)
	}
	var within *url.Error
	if errors.As(err, &within) {
		return within.Err.Error()
	}
	return err.Error()
}

// inRegion is the region that an answer names, for a sentence.
func inRegion(err error) string {
	if region := regionOf(err); region != "" {
		return ", " + region
	}
	return ""
}

// regionOf is the region of the bucket that an error answer names; "" if none.
func regionOf(err error) string {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil || response.Response.Response == nil {
		return ""
	}
	return response.Response.Header.Get("X-Amz-Bucket-Region")
}
