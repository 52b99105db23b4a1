// Package identity says who a process is and was: its start, parents, namespaces and cgroups, also when it is gone.
//
// Programs in the kernel report every fork, exec, exit and move between cgroups into a ring buffer; a table in memory
// follows them. Whoever has an audit record asks for the process that had its pid at its stamp. The ring is drained
// before each look-up, and the kernel puts the exec of a process into the ring before it writes the exec's audit record:
// so what is needed is there however short the process lived, and in whatever order the two arrive.
//
// # How an event's time is compared
//
// An audit stamp is the realtime clock's last tick before the system call was entered, cut to a millisecond. It is up to
// one tick older than the call (more where ticks come late), so it cannot be compared with a precise time as it is. Two
// facts hold without any assumption about ticks:
//
//   - an event's stamp is never later than the event: what a process did before it exited (or exec'd, or was moved) has
//     a stamp no later than the precise time of that;
//   - an event's stamp is never earlier than the stamp of the system call that made it possible: whatever a child does
//     has a stamp no earlier than its parent's clone call, whatever is done in a new cgroup none earlier than the write
//     that moved the process. The programs report that stamp: they read it from the task's audit context.
//
// Between these two bounds of a change, what was before and what comes after are both possible. A look-up collects
// everything possible; where all agree, that is the answer; where they do not, the field is not known. An execve's own
// record is told exactly: the program at the exec reports the very stamp that audit prints.
//
// Stamps are turned into the monotonic clock's time, so steps of the realtime clock do no harm: a stamp from around a
// step is tried with the offset before and the offset after.
//
// # What is lost
//
// Records that do not fit into the ring are counted by the programs. What was known across such a time counts as
// unknown until a scan of all processes has found it unchanged.
//
// # Without eBPF
//
// The proc connector (fork, exec and exit by netlink) with /proc, or /proc alone, stand in behind the same interface.
// They come too late for short processes: Stats says how often.
package identity
