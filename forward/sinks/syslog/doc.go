// Package syslog sends events to a syslog server, or to the host's own: by RFC 5424 or
// RFC 3164, over UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425), or through the
// local socket.
//
// Syslog has no acknowledgements. Over TCP a batch counts as taken once the server's
// TCP has acknowledged it and the connection has stood for a while after; when the
// connection breaks before, the batch is sent again. Over UDP nobody can tell.
package syslog
