package awssim

import (
	"fmt"
	"net/http"
)

// APIError is an error as an AWS service answers it. The verbs of a Place
// return it too, with ECS's codes.
type APIError struct {
	// Code is the service's name for the error, such as ClusterNotFoundException.
	Code string
	// Message is for people.
	Message string
	// Status is the HTTP status.
	Status int
}

// Error joins code and message.
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

func badRequest(code, message string) *APIError {
	return &APIError{Code: code, Message: message, Status: http.StatusBadRequest}
}

func invalidParameter(message string) *APIError {
	return badRequest("InvalidParameterException", message)
}

// checkBatch refuses a describe call of nothing, or of more than most.
func checkBatch(what string, n, most int) error {
	switch {
	case n == 0:
		return invalidParameter(what + " cannot be empty.")
	case n > most:
		return invalidParameter(fmt.Sprintf("%s cannot be longer than %d.", what, most))
	}
	return nil
}

func clusterNotFound() *APIError {
	return badRequest("ClusterNotFoundException", "Cluster not found.")
}

func serviceNotFound() *APIError {
	return badRequest("ServiceNotFoundException", "Service not found.")
}

// refusal is why the gate turned a call away, before any service saw it.
type refusal int

const (
	refusedThrottled refusal = iota
	refusedDenied
	refusedExpired
	refusedSkewed
	refusedServerError
	refusedClosed
)

const signedElsewhen = "Signature expired or not yet current: the request's time is more than 5 minutes from that of the service."

// refused words a refusal as the given service does.
func refused(service string, why refusal) *APIError {
	switch service {
	case serviceEC2:
		return refusedEC2(why)
	case serviceS3:
		return refusedS3(why)
	}
	switch why {
	case refusedThrottled:
		return badRequest("ThrottlingException", "Rate exceeded")
	case refusedDenied:
		return badRequest("AccessDeniedException", "The caller is not authorized to perform this operation.")
	case refusedExpired:
		return badRequest("ExpiredTokenException", "The security token included in the request is expired")
	case refusedSkewed:
		return badRequest("InvalidSignatureException", signedElsewhen)
	default:
		return &APIError{Code: "ServerException", Message: "Service Unavailable. Please try again later.", Status: http.StatusInternalServerError}
	}
}

func refusedEC2(why refusal) *APIError {
	switch why {
	case refusedThrottled:
		return &APIError{Code: "RequestLimitExceeded", Message: "Request limit exceeded.", Status: http.StatusServiceUnavailable}
	case refusedDenied:
		return &APIError{Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation.", Status: http.StatusForbidden}
	case refusedExpired:
		return badRequest("RequestExpired", "Request has expired.")
	case refusedSkewed:
		return &APIError{Code: "AuthFailure", Message: signedElsewhen, Status: http.StatusUnauthorized}
	default:
		return &APIError{Code: "InternalError", Message: "An internal error has occurred", Status: http.StatusInternalServerError}
	}
}

func refusedS3(why refusal) *APIError {
	switch why {
	case refusedThrottled:
		return &APIError{Code: "SlowDown", Message: "Please reduce your request rate.", Status: http.StatusServiceUnavailable}
	case refusedDenied:
		return &APIError{Code: "AccessDenied", Message: "Access Denied", Status: http.StatusForbidden}
	case refusedExpired:
		return badRequest("ExpiredToken", "The provided token has expired.")
	case refusedSkewed:
		return &APIError{Code: "RequestTimeTooSkewed", Message: "The difference between the request time and the current time is too large.", Status: http.StatusForbidden}
	default:
		return &APIError{Code: "InternalError", Message: "We encountered an internal error. Please try again.", Status: http.StatusInternalServerError}
	}
}
