// Package transport has what sinks share on their way to a far end: addresses that
// stand in for each other, TLS that verifies, and certainty that bytes have left.
package transport
