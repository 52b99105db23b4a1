// Package aulast tells login sessions from audit logs: it is aulast and aulastlog.
//
// A session begins with a LOGIN record, is known once USER_LOGIN says from where,
// and ends with USER_END, a shutdown or the next boot. Which fields of those
// records stock's aulast looks at, in which order, and what it prints when they
// are missing was learnt by asking aulast 3.0.9 and 4.2; both do the same.
//
// Nothing of a record reaches the output with a control byte in it, and the
// number of sessions that are remembered is bounded.
package aulast
