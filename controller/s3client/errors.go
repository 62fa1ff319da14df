package s3client

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

// Status is the HTTP status of the answer that the error is; 0 where it is none.
func Status(err error) int {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) {
		return 0
	}
	return response.HTTPStatusCode()
}

// Code is S3's name for the error; "" where it has none.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Explain gives an error of a call to S3 in words that are the same each time: what
// is wrong, and what would mend it. action is what IAM has to allow for the call, and
// resource on what. What is no error of S3 is given as it is.
func Explain(err error, bucket, action, resource string) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if text := reason(err, bucket, action, resource); text != "" {
		return &failure{text: text, err: err}
	}
	return err
}

func reason(err error, bucket, action, resource string) string {
	name := Code(err)
	switch name {
	case "NoSuchBucket":
		return fmt.Sprintf("there is no bucket %s; mend the location, or create it", bucket)
	case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return fmt.Sprintf("the bucket is in another region%s; set AWS_REGION to it (%s)", inRegion(err), name)
	case "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "RequestTimeTooSkewed":
		return fmt.Sprintf("S3 does not take the credentials (%s); mend them, or the clock", name)
	}
	switch Status(err) {
	case 0:
		return unanswered(err)
	case http.StatusForbidden:
		if name == "" {
			name = "Forbidden"
		}
		return fmt.Sprintf("S3 denies it (%s); allow %s on %s, in the role's policy and the bucket's, and its KMS key", name, action, resource)
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return strings.TrimSuffix(fmt.Sprintf("S3 answers %d %s: %s", Status(err), name, api.ErrorMessage()), ": ")
	}
	return fmt.Sprintf("S3 answers %d, in a form that is not S3's; see that the endpoint is one of S3", Status(err))
}

// unanswered says why there was no answer, without what differs each time: the
// ports of connections, the number of attempts.
func unanswered(err error) string {
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
	if region := Region(err); region != "" {
		return ", " + region
	}
	return ""
}

// Region is the region of the bucket that an error answer names; "" if none.
func Region(err error) string {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil || response.Response.Response == nil {
		return ""
	}
	return response.Response.Header.Get("X-Amz-Bucket-Region")
}
