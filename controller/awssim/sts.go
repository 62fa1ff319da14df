package awssim

import (
	"context"
	"encoding/xml"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

var roleARN = regexp.MustCompile(`^arn:aws:iam::([0-9]{12}):role/(.+)$`)

// role is one that AssumeRole knows.
type role struct{ externalID string }

// AllowRole lets AssumeRole assume the role of this ARN,
// "arn:aws:iam::ACCOUNT:role/NAME". With an external id, only with that.
// The credentials that it answers act in the role's account.
func (s *Sim) AllowRole(arn, externalID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles[arn] = role{externalID: externalID}
}

func stsOperations(s *Sim) map[string]operation {
	return map[string]operation{
		"GetCallerIdentity": s.getCallerIdentity,
		"AssumeRole":        s.assumeRole,
	}
}

type callerIdentityResponse struct {
	XMLName   xml.Name `xml:"GetCallerIdentityResponse"`
	Namespace string   `xml:"xmlns,attr"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

func (s *Sim) getCallerIdentity(_ context.Context, r *request) (any, error) {
	account := r.id.scope.Account
	arn := "arn:aws:iam::" + account + ":user/simulated"
	if strings.HasPrefix(r.id.accessKey, "ASIA") {
		arn = "arn:aws:sts::" + account + ":assumed-role/simulated/session"
	}
	return &callerIdentityResponse{
		Namespace: stsNamespace, ARN: arn, UserID: "AIDASIMULATED", Account: account, RequestID: s.requestID(),
	}, nil
}

type assumeRoleResponse struct {
	XMLName     xml.Name       `xml:"AssumeRoleResponse"`
	Namespace   string         `xml:"xmlns,attr"`
	Credentials stsCredentials `xml:"AssumeRoleResult>Credentials"`
	ARN         string         `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
	UserID      string         `xml:"AssumeRoleResult>AssumedRoleUser>AssumedRoleId"`
	RequestID   string         `xml:"ResponseMetadata>RequestId"`
}

type stsCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      any
}

// assumeRole answers credentials whose access key names the role's account.
func (s *Sim) assumeRole(_ context.Context, r *request) (any, error) {
	arn := r.form.Get("RoleArn")
	parts := roleARN.FindStringSubmatch(arn)
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.roles[arn]
	if parts == nil || !ok || (known.externalID != "" && known.externalID != r.form.Get("ExternalId")) {
		return nil, &APIError{
			Code: "AccessDenied", Status: http.StatusForbidden,
			Message: "User is not authorized to perform: sts:AssumeRole on resource: " + arn,
		}
	}
	seconds := 3600
	if n := number(r.form, "DurationSeconds"); n != nil {
		seconds = *n
	}
	account, name := parts[1], lastPart(parts[2])
	return &assumeRoleResponse{
		Namespace: stsNamespace,
		Credentials: stsCredentials{
			AccessKeyID: "ASIA" + account + "SIM", SecretAccessKey: s.hexID(40), SessionToken: s.hexID(64),
			Expiration: isoString(s.opts.Now().Add(time.Duration(seconds) * time.Second)),
		},
		ARN:       "arn:aws:sts::" + account + ":assumed-role/" + name + "/" + r.form.Get("RoleSessionName"),
		UserID:    "AROASIMULATED:" + r.form.Get("RoleSessionName"),
		RequestID: s.requestID(),
	}, nil
}
