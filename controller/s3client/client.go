// Package s3client is what all clients of S3 here have in common: how they speak to
// servers other than AWS's, how long they wait, and how an error is told.
package s3client

import (
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// answerWithin has an attempt fail that is not answered, so that the next attempt
// falls into the time of the same load.
const answerWithin = 5 * time.Second

// New is a client for a configuration, whose endpoint may be one of the user's own.
func New(cfg *aws.Config) *s3.Client {
	return s3.NewFromConfig(*cfg, func(o *s3.Options) {
		if o.BaseEndpoint != nil {
			compatible(o)
		}
		o.DisableLogOutputChecksumValidationSkipped = true
		if client, ok := o.HTTPClient.(*awshttp.BuildableClient); ok {
			o.HTTPClient = client.WithTransportOptions(impatient)
		}
	})
}

// compatible suits an endpoint of the user's own. It rarely has a DNS name for
// each bucket, and it may not know checksums, which are sent only where the
// environment asks for them.
func compatible(o *s3.Options) {
	o.UsePathStyle = true
	if os.Getenv("AWS_REQUEST_CHECKSUM_CALCULATION") == "" {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	}
	if os.Getenv("AWS_RESPONSE_CHECKSUM_VALIDATION") == "" {
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
}

func impatient(t *http.Transport) { t.ResponseHeaderTimeout = answerWithin }
