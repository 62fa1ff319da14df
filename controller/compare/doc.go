// Package compare holds tests only: they run the discovery of other programs
// beside this one's, on the same simulated account, and compare what is found.
package compare
