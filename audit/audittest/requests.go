package audittest

import (
	"bytes"
	"fmt"
	"slices"
	"syscall"

	"vigil/audit/kernel"
	"vigil/audit/tables"
)

// The mask of struct audit_status.
const (
	maskEnabled = 1 << iota
	maskFailure
	maskPID
	maskRateLimit
	maskBacklogLimit
	maskWaitTime
	maskLost
	maskWaitTimeActual
)

// receive handles one request as audit_receive does: what is to be answered is
// answered, and acknowledged if asked for or if it failed.
func (k *Kernel) receive(s *socket, m []byte) {
	if len(m) < headerSize {
		return
	}
	t := tables.Type(order.Uint16(m[4:]))
	flags, seq := order.Uint16(m[6:]), order.Uint32(m[8:])
	payload := m[headerSize:min(int(order.Uint32(m)), len(m))]
	k.sent = append(k.sent, Sent{Type: t, Payload: payload})
	code := int32(0)
	if errno := k.deny[t]; errno != 0 {
		code = -int32(errno)
	} else {
		code = k.handle(s, t, seq, payload)
	}
	if code != 0 || flags&flagAck != 0 {
		s.push(kernel.Datagram{Data: message(typeError, seq, append(words(uint32(code)), m[:headerSize]...))})
	}
}

// handle acts on a request, and returns a negative errno or an answer that
// travels in the acknowledgement.
func (k *Kernel) handle(s *socket, t tables.Type, seq uint32, p []byte) int32 {
	answer := func(t tables.Type, payload []byte) {
		s.push(kernel.Datagram{Data: message(t, seq, payload)})
	}
	switch t {
	case tables.TypeGet:
		answer(t, k.statusWords())
	case tables.TypeSet:
		return k.set(s, p)
	case tables.TypeAddRule, tables.TypeDelRule:
		return k.changeRule(t, p)
	case tables.TypeListRules:
		for _, r := range k.rules {
			answer(t, r)
		}
		answer(typeDone, nil)
	case tables.TypeGetFeature:
		answer(t, words(1, 0, uint32(k.features.On), uint32(k.features.Locked)))
	case tables.TypeSetFeature:
		return k.setFeature(p)
	case tables.TypeSignalInfo:
		answer(t, words(0, s.pid))
	case tables.TypeTTYGet:
		answer(t, words(0, 0))
	case tables.TypeTrim:
		k.emit(tables.TypeConfigChange, "op=trim res=1")
	case tables.TypeMakeEquiv:
		if len(p) < 8 || len(p)-8 < int(order.Uint32(p))+int(order.Uint32(p[4:])) {
			return -int32(syscall.EINVAL)
		}
		k.emit(tables.TypeConfigChange, "op=make_equiv res=1")
	default:
		// AUDIT_USER and the two ranges for user messages.
		if t != tables.TypeUser && (t < 1100 || t > 1199) && (t < 2100 || t > 2999) || k.status.Enabled != 0 && len(p) < 2 {
			return -int32(syscall.EINVAL)
		}
		k.emit(t, fmt.Sprintf("pid=%d uid=0 auid=4294967295 ses=4294967295 msg='%s'", s.pid, bytes.TrimRight(p, "\x00")))
	}
	return 0
}

// statusWords lays out struct audit_status.
func (k *Kernel) statusWords() []byte {
	st := k.snapshot()
	return words(0, st.Enabled, st.Failure, st.PID, st.RateLimit, st.BacklogLimit, st.Lost, st.Backlog,
		st.Features, st.BacklogWaitTime, *st.BacklogWaitTimeActual)
}

// set handles AUDIT_SET.
func (k *Kernel) set(s *socket, p []byte) int32 {
	var w [11]uint32
	for i := range w {
		if len(p) >= (i+1)*4 {
			w[i] = order.Uint32(p[i*4:])
		}
	}
	mask := w[0]
	if mask&maskPID != 0 {
		if errno := k.register(s, w[3]); errno != 0 {
			return -int32(errno)
		}
	}
	for _, c := range []struct {
		bit   uint32
		name  string
		to    *uint32
		value uint32
	}{
		{maskEnabled, "audit_enabled", &k.status.Enabled, w[1]},
		{maskFailure, "audit_failure", &k.status.Failure, w[2]},
		{maskRateLimit, "audit_rate_limit", &k.status.RateLimit, w[4]},
		{maskBacklogLimit, "audit_backlog_limit", &k.status.BacklogLimit, w[5]},
		{maskWaitTime, "audit_backlog_wait_time", &k.status.BacklogWaitTime, w[9]},
	} {
		if mask&c.bit == 0 {
			continue
		}
		locked := k.status.Enabled == enabledLocked
		k.emit(tables.TypeConfigChange, fmt.Sprintf("op=set %s=%d old=%d auid=4294967295 ses=4294967295 res=%d", c.name, c.value, *c.to, bit(!locked)))
		if locked {
			return -int32(syscall.EPERM)
		}
		*c.to = c.value
	}
	switch mask {
	case maskLost:
		was := k.lost
		k.lost = 0
		return int32(was)
	case maskWaitTimeActual:
		was := *k.status.BacklogWaitTimeActual
		*k.status.BacklogWaitTimeActual = 0
		return int32(was)
	}
	return 0
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// register handles AUDIT_SET pid. The present holder is asked whether it lives.
func (k *Kernel) register(s *socket, pid uint32) syscall.Errno {
	if pid != 0 && pid != s.pid {
		return syscall.EINVAL
	}
	if k.daemon != nil {
		k.daemon.push(kernel.Datagram{Data: message(tables.TypeReplace, 0, words(s.pid))})
	}
	if k.status.PID != 0 && pid != 0 {
		return syscall.EEXIST
	}
	if k.status.PID != 0 && k.status.PID != s.pid {
		return syscall.EACCES
	}
	old := k.status.PID
	k.status.PID = pid
	if pid == 0 {
		k.emit(tables.TypeConfigChange, fmt.Sprintf("op=set audit_pid=0 old=%d auid=4294967295 ses=4294967295 res=1", old))
		k.daemon, k.retry = nil, nil
		return 0
	}
	k.daemon = s
	k.emit(tables.TypeConfigChange, fmt.Sprintf("op=set audit_pid=%d old=%d auid=4294967295 ses=4294967295 res=1", pid, old))
	return 0
}

// forget drops a closed socket.
func (k *Kernel) forget(s *socket) {
	k.sockets = slices.DeleteFunc(k.sockets, func(o *socket) bool { return o == s })
	if k.daemon == s {
		k.daemon = nil
		k.status.PID = 0
	}
}

// changeRule handles AUDIT_ADD_RULE and AUDIT_DEL_RULE.
func (k *Kernel) changeRule(t tables.Type, p []byte) int32 {
	if len(p) < ruleSize {
		return -int32(syscall.EINVAL)
	}
	if k.status.Enabled == enabledLocked {
		return -int32(syscall.EPERM)
	}
	// auditctl -A: the flag that says "first" is not part of the rule.
	const prepend = 0x10
	flags := order.Uint32(p)
	rule := bytes.Clone(p)
	order.PutUint32(rule, flags&^prepend)
	at := slices.IndexFunc(k.rules, func(r []byte) bool { return bytes.Equal(r, rule) })
	op := "add_rule"
	switch {
	case t == tables.TypeAddRule && at >= 0:
		return -int32(syscall.EEXIST)
	case t == tables.TypeAddRule && flags&prepend != 0:
		k.rules = slices.Insert(k.rules, 0, rule)
	case t == tables.TypeAddRule:
		k.rules = append(k.rules, rule)
	case at < 0:
		return -int32(syscall.ENOENT)
	default:
		op = "remove_rule"
		k.rules = slices.Delete(k.rules, at, at+1)
	}
	k.emit(tables.TypeConfigChange, fmt.Sprintf("auid=4294967295 ses=4294967295 op=%s key=(null) list=%d res=1", op, flags&^prepend))
	return 0
}

// setFeature handles AUDIT_SET_FEATURE.
func (k *Kernel) setFeature(p []byte) int32 {
	if len(p) < 16 {
		return -int32(syscall.EINVAL)
	}
	mask, on, lock := kernel.Feature(order.Uint32(p[4:])), kernel.Feature(order.Uint32(p[8:])), kernel.Feature(order.Uint32(p[12:]))
	if k.features.Locked&mask&(k.features.On^on) != 0 {
		return -int32(syscall.EPERM)
	}
	k.features.On = k.features.On&^mask | on&mask
	k.features.Locked |= lock & mask
	return 0
}
