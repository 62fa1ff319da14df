package awssim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// simulatedSecret is every simulated secret key; signatures are not verified.
const simulatedSecret = "simulated-secret-key"

// Env is the environment with which any AWS client that is started as a child
// process uses the place.
func (p *Place) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + p.sim.URL(),
		"AWS_REGION=" + p.scope.Region,
		"AWS_DEFAULT_REGION=" + p.scope.Region, // all that Debian's awscli reads
		"AWS_ACCESS_KEY_ID=" + accessKey(p.scope.Account),
		"AWS_SECRET_ACCESS_KEY=" + simulatedSecret,
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// AWSConfig configures the AWS SDK to use the place.
func (p *Place) AWSConfig() aws.Config {
	return p.AWSConfigAs(accessKey(p.scope.Account))
}

// AWSConfigAs is AWSConfig with another access key: twelve digits in it name
// the account, and one that begins with EXPIRED is refused as expired.
func (p *Place) AWSConfigAs(key string) aws.Config {
	return aws.Config{
		Region:       p.scope.Region,
		BaseEndpoint: aws.String(p.sim.URL()),
		Credentials:  credentials.NewStaticCredentialsProvider(key, simulatedSecret, ""),
	}
}
