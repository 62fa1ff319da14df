// Package browser holds tests only: they look at the pages of a running
// controller with a real browser.
package browser
