package ausearch

import (
	"math"
	"strconv"
	"strings"

	"vigil/audit/tables"
	"vigil/search/aulog"
)

// criterion returns the options that choose events.
func criterion(name string) (option, bool) {
	if opt, ok := numberCriterion(name); ok {
		return opt, true
	}
	if opt, ok := idCriterion(name); ok {
		return opt, true
	}
	text := func(want aulog.Want, field func(*query) *string) (option, bool) {
		return option{word, func(p *parser, arg string) error {
			p.opts.query.want |= want
			*field(&p.opts.query) = arg
			p.opts.query.texts |= want
			return nil
		}}, true
	}
	switch name {
	case "-c", "--comm":
		return text(aulog.WantComm, func(q *query) *string { return &q.comm })
	case "-x", "--executable":
		return text(aulog.WantExe, func(q *query) *string { return &q.exe })
	case "-f", "--file":
		return text(aulog.WantFile, func(q *query) *string { return &q.file })
	case "-hn", "--host":
		return text(aulog.WantHost, func(q *query) *string { return &q.host })
	case "-tm", "--terminal":
		return text(aulog.WantTerminal, func(q *query) *string { return &q.terminal })
	case "-k", "--key":
		return text(aulog.WantKey, func(q *query) *string { return &q.key })
	case "-vm", "--vm-name":
		return text(aulog.WantVM, func(q *query) *string { return &q.vm })
	case "-uu", "--uuid":
		return text(aulog.WantUUID, func(q *query) *string { return &q.uuid })
	case "-su", "--subject":
		return text(aulog.WantSubject, func(q *query) *string { return &q.subject })
	case "-o", "--object":
		return text(aulog.WantObject, func(q *query) *string { return &q.object })
	case "-se", "--context":
		return option{word, func(p *parser, arg string) error {
			q := &p.opts.query
			q.want |= aulog.WantSubject | aulog.WantObject
			q.texts |= aulog.WantSubject | aulog.WantObject
			q.subject, q.object, q.either = arg, arg, true
			return nil
		}}, true
	case "-w", "--word":
		return flag(func(o *options) { o.query.word = true })
	case "-n", "--node":
		return option{word, func(p *parser, arg string) error {
			p.opts.query.nodes = append(p.opts.query.nodes, arg)
			return nil
		}}, true
	case "-m", "--message":
		return option{word, (*parser).message}, true
	}
	return option{}, false
}

// numberCriterion returns the options that compare a number.
func numberCriterion(name string) (option, bool) {
	switch name {
	case "-a", "--event":
		return option{word, (*parser).event}, true
	case "-p", "--pid":
		return option{word, func(p *parser, arg string) error {
			return p.process(arg, "Process", aulog.WantPID, &p.opts.query.pid)
		}}, true
	case "-pp", "--ppid":
		return option{word, func(p *parser, arg string) error {
			return p.process(arg, "Parent process", aulog.WantPPID, &p.opts.query.ppid)
		}}, true
	case "--session":
		return option{signed, (*parser).session}, true
	case "-e", "--exit":
		return option{signed, (*parser).exit}, true
	case "-sv", "--success":
		return option{word, (*parser).success}, true
	case "-sc", "--syscall":
		return option{word, (*parser).syscall}, true
	case "--arch":
		return option{word, (*parser).arch}, true
	}
	return option{}, false
}

// leadingDigits reports what stock takes for a number: what begins with a digit.
func leadingDigits(arg string) bool { return arg != "" && arg[0] >= '0' && arg[0] <= '9' }

// integer is strtoul of audit 3, which stops at the first byte that is no digit;
// audit 4 wants nothing behind them.
func (p *parser) integer(arg string, limit uint64) (uint64, bool) {
	n := 0
	for n < len(arg) && arg[n] >= '0' && arg[n] <= '9' {
		n++
	}
	if p.dialect == aulog.Audit4 && n < len(arg) {
		return 0, false
	}
	v, err := strconv.ParseUint(arg[:n], 10, 64)
	if err != nil || p.dialect == aulog.Audit4 && v > limit {
		return 0, false
	}
	return v, true
}

// why is what is wrong with a number, in the words of strerror(3).
func (p *parser) why(arg string) string {
	if p.dialect == aulog.Audit4 && strings.Trim(arg, "0123456789") != "" {
		return "Invalid argument"
	}
	return "Numerical result out of range"
}

func (p *parser) event(arg string) error {
	if !leadingDigits(arg) {
		return argErrorf("Audit event id must be a numeric value, was %s", arg)
	}
	v, ok := p.integer(arg, math.MaxUint32)
	if !ok {
		return bareError("Illegal value for audit event ID")
	}
	p.opts.query.serial = int64(int32(uint32(v)))
	if uint32(v) != math.MaxUint32 { // which stock takes for "any"
		p.opts.query.serial = int64(uint32(v))
	}
	return nil
}

func (p *parser) process(arg, what string, want aulog.Want, dst *uint32) error {
	v, ok := p.integer(arg, math.MaxInt32)
	if !leadingDigits(arg) || !ok {
		return argErrorf("%s id must be a numeric value, was %s", what, arg)
	}
	if *dst = uint32(v); *dst != aulog.Unset {
		p.opts.query.want |= want
	}
	return nil
}

func (p *parser) session(arg string) error {
	digits, negative := strings.CutPrefix(arg, "-")
	if !leadingDigits(digits) {
		return argErrorf("Session id must be a numeric value, was %s", arg)
	}
	v, ok := p.integer(digits, math.MaxUint32)
	if !ok {
		return argErrorf("Error converting %s", arg)
	}
	if negative {
		v = -v
	}
	p.opts.query.session = uint32(v)
	p.opts.query.set(aulog.WantSession, p.opts.query.session != aulog.NotFound)
	return nil
}

func (p *parser) exit(arg string) error {
	digits, negative := strings.CutPrefix(arg, "-")
	q := &p.opts.query
	q.want |= aulog.WantExit
	if leadingDigits(digits) {
		v, ok := p.integer(digits, math.MaxInt64)
		if !ok {
			return argErrorf("Error converting %s", arg)
		}
		if q.exit = int64(v); negative {
			q.exit = -q.exit
		}
		return nil
	}
	n, ok := tables.ErrnoNumber(digits)
	if !ok {
		return argErrorf("Unknown errno, was %s", arg)
	}
	if q.exit = int64(n); negative {
		q.exit = -q.exit
	}
	return nil
}

func (p *parser) success(arg string) error {
	switch arg {
	case "yes":
		p.opts.query.result = aulog.ResultSuccess
	case "no":
		p.opts.query.result = aulog.ResultFailed
	default:
		return argErrorf("Success must be 'yes' or 'no'.")
	}
	p.opts.query.want |= aulog.WantSuccess
	return nil
}

func (p *parser) syscall(arg string) error {
	if leadingDigits(arg) {
		v, ok := p.integer(arg, math.MaxInt32)
		if !ok {
			return argErrorf("Syscall numeric conversion error (%s) for %s", p.why(arg), arg)
		}
		p.opts.query.syscall = int(int32(uint32(v)))
		return nil
	}
	q := &p.opts.query
	arch := tables.Native()
	if q.has(aulog.WantArch) {
		arch = tables.Arch(q.arch)
	}
	nr, ok := tables.SyscallNumber(arch, arg)
	if !ok {
		return argErrorf("Syscall %s not found", arg)
	}
	// A name means a number only together with an architecture.
	q.syscall, q.arch = nr, uint32(arch)
	q.want |= aulog.WantArch
	p.syscallNamed = true
	return nil
}

func (p *parser) arch(arg string) error {
	if p.syscallNamed {
		return argErrorf("Arch needs to be defined before the syscall")
	}
	a, ok := archByName(arg)
	if !ok {
		return argErrorf("Unknown arch %s", arg)
	}
	p.opts.query.arch = uint32(a)
	p.opts.query.want |= aulog.WantArch
	return nil
}

// archByName knows b64 and b32, which are this machine's, names, and numbers as
// the kernel prints them.
func archByName(name string) (tables.Arch, bool) {
	switch strings.ToLower(name) {
	case "b64":
		return tables.Native(), tables.Native().Is64Bit()
	case "b32":
		if !tables.Native().Is64Bit() {
			return tables.Native(), true
		}
		return tables.Native().Compat()
	}
	if a, ok := tables.ArchByName(name); ok {
		return a, true
	}
	v, err := strconv.ParseUint(strings.TrimPrefix(name, "0x"), 16, 32)
	switch a := tables.Arch(v); a.String() { // those that audit knows
	case "i386", "x86_64", "arm", "armeb", "aarch64", "ppc", "ppc64", "ppc64le", "s390", "s390x", "ia64":
		return a, err == nil
	}
	return 0, false
}

func (p *parser) eoeTimeout(arg string) error {
	if !leadingDigits(arg) {
		return argErrorf("End of Event Timeout must be a numeric value, was %s", arg)
	}
	v, ok := p.integer(arg, math.MaxInt32)
	if !ok || v == 0 {
		return argErrorf("Illegal value for End of Event Timeout, was %s", arg)
	}
	p.opts.timeout = int64(v)
	return nil
}

// message is -m with its list of types.
func (p *parser) message(arg string) error {
	for _, name := range strings.Split(arg, ",") {
		if name == "" {
			if arg == "" {
				return argError(p.validTypes())
			}
			continue
		}
		if strings.EqualFold(name, "ALL") {
			p.opts.query.allTypes = true
			continue
		}
		t, ok := p.typeByName(name)
		if !ok && leadingDigits(name) {
			return argErrorf("Numeric message type conversion error (%s) for %s\n%s", p.why(name), name, p.validTypes())
		}
		if !ok {
			return argError(p.validTypes())
		}
		p.opts.query.types = append(p.opts.query.types, t)
	}
	return nil
}

func (p *parser) typeByName(name string) (tables.Type, bool) {
	if leadingDigits(name) {
		v, ok := p.integer(name, math.MaxInt32)
		if !ok || v > math.MaxUint16 {
			return 0xFFFF, ok
		}
		return tables.Type(v), true
	}
	return tables.TypeByName([]byte(strings.ToUpper(name)))
}

// validTypes is the list of types that -m shows when it cannot make sense of its
// argument.
func (p *parser) validTypes() string {
	var b strings.Builder
	b.WriteString("Valid message types are: ALL ")
	for _, t := range tables.Types() {
		if listed(t, p.dialect) {
			b.WriteString(t.String())
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// listed reports whether stock's list has a type: those that can stand in a log,
// as far as the version knows them.
func listed(t tables.Type, d aulog.Dialect) bool {
	switch {
	case t < 1100:
		return t == tables.TypeUser || t == tables.TypeLogin
	case t == tables.TypeDaemonReconfig, t == tables.TypeReplace,
		t == tables.TypeLedger, t == tables.TypeContainer:
		return false
	case t == tables.TypeDMCtrl, t == tables.TypeDMEvent:
		return d == aulog.Audit4
	}
	return string(t.AppendLog(nil)) == t.String()
}
