// Package kernel owns the audit netlink socket: it is the only room that opens
// one.
//
// A Source reads the kernel's records, either as the audit daemon (registered,
// the kernel waits for it) or as an observer beside another daemon (a multicast
// copy, the kernel waits for nobody). A Control asks and tells the engine
// things: status, rules, features. Both speak over a Socket, a datagram seam
// that audittest's fake kernel stands in for.
//
// Facts this room leans on; "audit.c" is kernel/audit.c of Linux 5.16 to 6.18.
//
//   - The registration belongs to a process and to the very socket that sent
//     AUDIT_SET pid (audit.c, auditd_set: NETLINK_CB(skb).portid). A living
//     holder cannot be replaced (EEXIST), nor unregistered by others (EACCES);
//     the kernel finds out whether it lives by sending it AUDIT_REPLACE.
//   - A unicast record's nlmsg_len leaves out the header (audit.c,
//     audit_log_end), so only the datagram's size counts here. Multicast copies
//     have it right.
//   - One kernel thread, kauditd, delivers. It waits 100 ms at most for a full
//     receive buffer (audit_net_init, sk_sndtimeo), then puts what it has on a
//     retry queue. After five such failures the whole retry queue is dropped,
//     uncounted, unless the system was booted with audit=1
//     (kauditd_hold_skb). Registering again drops it too (auditd_reset). So
//     the first defence is a receive buffer in which a stall fits.
//   - kauditd looks at its retry queue only when a new record arrives. After a
//     stall somebody has to make one: Source sends a user message of its own
//     ("op=vigil-wake"), the one thing that every kernel puts on the queue; see
//     poke. Processes that were held because the backlog was full may need the
//     same to be woken; see release.
//   - A sender of control messages is itself held while the backlog is over its
//     limit (audit_receive), uninterruptibly and for up to a minute. So the
//     reading thread sends nothing.
//   - "lost" counts neither multicast copies dropped nor records dropped while
//     nobody is registered. Overruns of our own socket are counted by the
//     socket (sk_drops), which Stats shows.
package kernel
