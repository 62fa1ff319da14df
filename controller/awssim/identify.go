package awssim

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
)

// The services, by the names that request signatures use.
const (
	serviceECS = "ecs"
	serviceEC2 = "ec2"
	serviceSQS = "sqs"
	serviceSSM = "ssm"
	serviceSTS = "sts"
	serviceS3  = "s3"
)

// accountInKey finds the account in an access key: keys here look like
// AKIA123456789012SIM or, from AssumeRole, ASIA123456789012....
var accountInKey = regexp.MustCompile(`[0-9]{12}`)

// identity is who calls which service. Signatures are not verified.
type identity struct {
	scope     Scope
	service   string
	accessKey string
	expired   bool
	skewed    bool
}

// identify reads a request's X-Amz-Target and the credential scope of its
// signature, "Credential=KEY/date/region/service/aws4_request".
func (s *Sim) identify(r *http.Request) identity {
	id := identity{scope: s.Scope(), service: serviceS3}
	credential := credentialOf(r)
	if parts := strings.Split(credential, "/"); len(parts) == 5 {
		id.accessKey = parts[0]
		id.scope.Region = cmp.Or(parts[2], id.scope.Region)
		id.service = parts[3]
	}
	id.scope.Account = cmp.Or(accountInKey.FindString(id.accessKey), id.scope.Account)
	id.expired = strings.HasPrefix(id.accessKey, "EXPIRED")
	id.skewed = s.skewed(r.Header.Get("X-Amz-Date"))
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasPrefix(target, "AmazonEC2ContainerServiceV20141113."):
		id.service = serviceECS
	case strings.HasPrefix(target, "AmazonSQS."):
		id.service = serviceSQS
	case strings.HasPrefix(target, "AmazonSSM."):
		id.service = serviceSSM
	}
	return id
}

func credentialOf(r *http.Request) string {
	_, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		return r.URL.Query().Get("X-Amz-Credential")
	}
	credential, _, _ := strings.Cut(after, ",")
	return strings.TrimSpace(credential)
}

// accessKey is the key that identifies an account to the simulator.
func accessKey(account string) string { return "AKIA" + account + "SIM" }
