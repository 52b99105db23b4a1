package form

import (
	"bytes"
	"fmt"
	"strconv"

	"vigil/audit"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/forward/format"
)

// ocsfVersion is that of the Open Cybersecurity Schema Framework, schema.ocsf.io.
const ocsfVersion = "1.3.0"

// Classes of events, by their class_uid. The thousands are the category.
const (
	fileActivity     = 1001
	moduleActivity   = 1002 // Kernel Extension Activity
	kernelActivity   = 1003
	processActivity  = 1007
	accountChange    = 3001
	authentication   = 3002
	networkActivity  = 4001
	baseEvent        = 0
	otherActivity    = 99
	statusSuccess    = 1
	statusFailure    = 2
	severityInfo     = 1
	severityLow      = 2
	severityMedium   = 3
	severityHigh     = 4
	deviceTypeServer = 1
)

// activity is what an event is if a condition holds.
type activity struct {
	class, id int
	condition string
}

// activities are looked at in this order; the first whose condition holds is taken.
func activities() []activity {
	return []activity{
		{processActivity, 1, "evt.type in (execve, execveat, fork, vfork, clone, clone3)"},                                                               // Launch
		{processActivity, 2, "evt.type in (exit, exit_group, kill, tkill, tgkill, pidfd_send_signal)"},                                                   // Terminate
		{processActivity, 4, "evt.type in (ptrace, process_vm_writev)"},                                                                                  // Inject
		{processActivity, 5, "evt.type in (setuid, setgid, setreuid, setregid, setresuid, setresgid, setfsuid, setfsgid, capset)"},                       // Set User ID
		{moduleActivity, 1, "evt.type in (init_module, finit_module)"},                                                                                   // Load
		{moduleActivity, 2, "evt.type = delete_module"},                                                                                                  // Unload
		{kernelActivity, 4, "evt.type in (bpf, kexec_load, kexec_file_load, reboot, settimeofday, clock_settime, adjtimex, sethostname, setdomainname)"}, // Invoke
		{networkActivity, 1, "evt.type in (connect, accept, accept4)"},                                                                                   // Open
		{networkActivity, 7, "evt.type in (listen, bind)"},                                                                                               // Listen
		{networkActivity, 6, "evt.type in (sendto, sendmsg, sendmmsg, recvfrom, recvmsg, recvmmsg)"},                                                     // Traffic
		{networkActivity, otherActivity, "evt.type in (socket, socketpair, shutdown, setsockopt)"},
		{fileActivity, 4, "evt.type in (unlink, unlinkat, rmdir)"},                                                                                  // Delete
		{fileActivity, 5, "evt.type in (rename, renameat, renameat2)"},                                                                              // Rename
		{fileActivity, 6, "evt.type in (chmod, fchmod, fchmodat, fchmodat2, chown, fchown, lchown, fchownat, utime, utimes, utimensat, futimesat)"}, // Set Attributes
		{fileActivity, 7, "evt.type in (setxattr, lsetxattr, fsetxattr, removexattr, lremovexattr, fremovexattr)"},                                  // Set Security
		{fileActivity, 12, "evt.type in (mount, fsmount, move_mount)"},                                                                              // Mount
		{fileActivity, 13, "evt.type in (umount, umount2)"},                                                                                         // Unmount
		{fileActivity, 1, "evt.is_open_create = true or evt.type in (creat, mkdir, mkdirat, mknod, mknodat, symlink, symlinkat, link, linkat)"},     // Create
		{fileActivity, 3, "evt.is_open_write = true or evt.type in (truncate, ftruncate)"},                                                          // Update
		{fileActivity, 14, "evt.category = file"},                                                                                                   // Open
		{authentication, 1, "audit.type in (USER_LOGIN, LOGIN, USER_START)"},                                                                        // Logon
		{authentication, 2, "audit.type in (USER_LOGOUT, USER_END)"},                                                                                // Logoff
		{authentication, otherActivity, "audit.type in (USER_AUTH, USER_ACCT, USER_ERR, CRED_ACQ, CRED_DISP, CRED_REFR, ANOM_LOGIN_FAILURES)"},
		{accountChange, 1, "audit.type in (ADD_USER, ADD_GROUP)"},       // Create
		{accountChange, 6, "audit.type in (DEL_USER, DEL_GROUP)"},       // Delete
		{accountChange, 3, "audit.type in (USER_CHAUTHTOK)"},            // Password Change
		{accountChange, 9, "audit.type in (ACCT_LOCK, RESP_ACCT_LOCK)"}, // Lock
		{accountChange, otherActivity, "audit.type in (USER_MGMT, GRP_MGMT, GRP_CHAUTHTOK, CHUSER_ID, CHGRP_ID, ACCT_UNLOCK, ROLE_ASSIGN, ROLE_REMOVE)"},
		{processActivity, 1, "audit.type = USER_CMD"},
		{kernelActivity, otherActivity, "audit.type in (SYSCALL, SECCOMP, KERNEL, KERN_MODULE, BPF, TIME_INJOFFSET, TIME_ADJNTPVAL)"},
	}
}

// attribute is a place in the object and the fields that it may come from.
type attribute struct {
	path   string
	number bool
	fields []string
}

// attributes stand in the order of their places, so that those of one object follow
// each other.
func attributes() []attribute {
	text := func(path string, fields ...string) attribute { return attribute{path, false, fields} }
	number := func(path string, fields ...string) attribute { return attribute{path, true, fields} }
	return []attribute{
		number("actor.process.pid", "proc.ppid"), text("actor.process.name", "proc.pname"), text("actor.process.file.path", "proc.pexepath"),
		text("actor.session.uid", "audit.session"), text("actor.user.name", "user.loginname"), text("actor.user.uid", "user.loginuid"),
		number("process.pid", "proc.pid"), text("process.name", "proc.name"), text("process.cmd_line", "proc.cmdline"),
		text("process.file.path", "proc.exepath"), text("process.file.name", "proc.exe"),
		text("process.working_directory", "proc.cwd"),
		text("process.user.name", "user.name"), text("process.user.uid", "user.uid"),
		text("process.container.uid", "container.full_id"), text("process.container.name", "container.name"),
		text("process.container.image.name", "container.image"), text("process.container.image.uid", "container.image.digest"),
		text("process.container.runtime", "container.type"), text("process.container.pod_uuid", "k8s.pod.uid"),
		text("file.path", "fs.path.name", "PATH.name[0]"), text("file_result.path", "fs.path.target"),
		text("user.name", "audit.account"),
		text("src_endpoint.ip", "fd.cip", "audit.address"), number("src_endpoint.port", "fd.cport"), text("src_endpoint.hostname", "audit.host"),
		text("dst_endpoint.ip", "fd.sip"), number("dst_endpoint.port", "fd.sport"),
		text("status_code", "evt.res"),
		text("unmapped.key", "audit.key"), text("unmapped.type", "audit.type"), text("unmapped.action", "evt.type"), text("unmapped.op", "audit.op"),
		text("unmapped.namespace", "k8s.ns.name"), text("unmapped.pod", "k8s.pod.name"), text("unmapped.unit", "vigil.unit"), text("unmapped.exec_session", "vigil.exec.session"),
	}
}

// ocsf writes a JSON object in a line.
type ocsf struct {
	env        *filter.Env
	activities []compiledActivity
	attributes []compiledAttribute
	failed     *filter.Program
	text       *format.Text
	host       []byte
	version    []byte
	uid        []byte
	value      []byte
	open       []string // the objects that are open
}

type compiledActivity struct {
	class, id int
	holds     *filter.Program
}

type compiledAttribute struct {
	way    []string // the objects, then the name
	number bool
	from   []*filter.Format
}

func newOCSF(c Config) (*ocsf, error) {
	o := &ocsf{text: format.NewText(format.TextConfig{Names: c.Names}), host: []byte(c.Host), version: []byte(c.Version)}
	space := filter.NewSpace(field.Standard())
	compile := func(text string) (*filter.Program, error) {
		condition, err := filter.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("make form: %w", err)
		}
		return space.Compile(condition)
	}
	for _, a := range activities() {
		holds, err := compile(a.condition)
		if err != nil {
			return nil, err
		}
		o.activities = append(o.activities, compiledActivity{a.class, a.id, holds})
	}
	var err error
	if o.failed, err = compile("evt.failed = true or audit.result in (failed, failure)"); err != nil {
		return nil, err
	}
	for _, a := range attributes() {
		out := compiledAttribute{way: splitWay(a.path), number: a.number}
		for _, name := range a.fields {
			f, err := space.ParseFormat("*%" + name)
			if err != nil {
				return nil, fmt.Errorf("make form: %w", err)
			}
			out.from = append(out.from, f)
		}
		o.attributes = append(o.attributes, out)
	}
	o.env = space.NewEnv(field.Config{Names: c.Names})
	return o, nil
}

func splitWay(path string) (way []string) {
	for _, part := range bytes.Split([]byte(path), []byte{'.'}) {
		way = append(way, string(part))
	}
	return way
}

// Mark is for [format.Marker]: the uid stands in metadata.uid.
func (o *ocsf) Mark(uid []byte) { o.uid = append(o.uid[:0], uid...) }

// Append appends one line.
func (o *ocsf) Append(dst []byte, e *audit.Event) []byte {
	o.env.Load(e)
	class, id := baseEvent, otherActivity
	for i := range o.activities {
		if a := &o.activities[i]; a.holds.Match(o.env) {
			class, id = a.class, a.id
			break
		}
	}
	dst = o.begin(dst, e, class, id)
	for i := range o.attributes {
		dst = o.attribute(dst, &o.attributes[i])
	}
	for range o.open {
		dst = append(dst, '}')
	}
	o.open = o.open[:0]
	return append(dst, '}', '\n')
}

// begin writes what every event has.
func (o *ocsf) begin(dst []byte, e *audit.Event, class, id int) []byte {
	status, severity := statusSuccess, severityInfo
	if o.failed.Match(o.env) {
		status, severity = statusFailure, severityLow
	}
	for _, r := range e.Records {
		switch t := r.Type; {
		case t >= 1700 && t <= 1799, t >= 2100 && t <= 2199: // ANOM_* (linux/audit.h)
			severity = severityHigh
		case t >= 1400 && t <= 1599: // AVC and its like
			severity = max(severity, severityMedium)
		}
	}
	for _, n := range []struct {
		key   string
		value int
	}{
		{`{"class_uid":`, class}, {`,"category_uid":`, class / 1000}, {`,"activity_id":`, id}, {`,"type_uid":`, class*100 + id},
		{`,"severity_id":`, severity}, {`,"status_id":`, status},
	} {
		dst = strconv.AppendInt(append(dst, n.key...), int64(n.value), 10)
	}
	dst = appendMillis(append(dst, `,"time":`...), e.ID)
	dst = append(dst, `,"message":`...)
	o.value = o.text.Append(o.value[:0], e)
	line := bytes.TrimSuffix(o.value, []byte{'\n'})
	for range 2 { // the time has a place of its own
		if at := bytes.IndexByte(line, ' '); at >= 0 {
			line = line[at+1:]
		}
	}
	dst = appendJSONText(dst, line)
	dst = append(dst, `,"metadata":{"version":"`+ocsfVersion+`","product":{"name":"Vigil","vendor_name":"Vigil","version":`...)
	dst = appendJSONText(dst, o.version)
	dst = append(dst, `},"log_name":"audit","sequence":`...)
	dst = strconv.AppendUint(dst, uint64(e.ID.Serial), 10)
	if len(o.uid) > 0 {
		dst = appendJSONText(append(dst, `,"uid":`...), o.uid)
		o.uid = o.uid[:0]
	}
	host := e.Node
	if len(host) == 0 {
		host = o.host
	}
	dst = appendJSONText(append(dst, `},"device":{"type_id":`+strconv.Itoa(deviceTypeServer)+`,"hostname":`...), host)
	return append(dst, '}')
}

// attribute writes an attribute that the event has, in its place.
func (o *ocsf) attribute(dst []byte, a *compiledAttribute) []byte {
	found := false
	for _, f := range a.from {
		o.value, _ = f.Append(o.value[:0], o.env)
		if found = len(o.value) > 0 && string(o.value) != missing; found {
			break
		}
	}
	if !found || a.number && !isNumber(o.value) {
		return dst
	}
	objects, name := a.way[:len(a.way)-1], a.way[len(a.way)-1]
	same := 0
	for same < len(objects) && same < len(o.open) && objects[same] == o.open[same] {
		same++
	}
	fresh := false // nothing stands in the innermost object yet
	for range o.open[same:] {
		dst = append(dst, '}')
	}
	o.open = o.open[:same]
	for _, object := range objects[same:] {
		if !fresh {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), object...), `":{`...)
		o.open = append(o.open, object)
		fresh = true
	}
	if !fresh {
		dst = append(dst, ',')
	}
	dst = append(append(append(dst, '"'), name...), `":`...)
	if a.number {
		return append(dst, o.value...)
	}
	return appendJSONText(dst, o.value)
}

// isNumber reports whether text is a number as JSON has whole ones.
func isNumber(text []byte) bool {
	digits := bytes.TrimPrefix(text, []byte{'-'})
	if len(digits) == 0 || len(digits) > 1 && digits[0] == '0' {
		return false
	}
	return bytes.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) < 0
}
