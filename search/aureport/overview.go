package aureport

import (
	"fmt"
	"hash/maphash"
	"strconv"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/aulog"
)

// overview is the main summary.
type overview struct {
	configs, mods                      uint64
	logins, failedLogins               uint64
	auths, failedAuths                 uint64
	avcs, macs, failedCalls, anomalies uint64
	responses, cryptos, integrities    uint64
	virts, events                      uint64

	users, pids                                map[uint32]struct{}
	terminals, hosts, exes, comms, files, keys names

	seed maphash.Seed
}

// names is how many different texts were seen: their hashes are kept, not they. Of ten million names two have the same
// hash once in a hundred thousand runs, and nobody can choose them so, as each run hashes in its own way.
type names map[uint64]struct{}

func newOverview() *overview {
	o := &overview{users: map[uint32]struct{}{}, pids: map[uint32]struct{}{}, seed: maphash.MakeSeed()}
	for _, set := range []*names{&o.terminals, &o.hosts, &o.exes, &o.comms, &o.files, &o.keys} {
		*set = names{}
	}
	return o
}

// add counts an event. Each kind of record is looked for by itself, so that one event may be a change of the
// configuration twice.
func (o *overview) add(e *aulog.Event, f *aulog.Facts) {
	o.events++
	var seen sight
	for i := range e.Records {
		seen |= seenIn(e.Records[i].Type)
	}
	if seen != 0 {
		o.count(seen, f)
	}
	if f.Result == aulog.ResultFailed && f.Syscall >= 0 {
		o.failedCalls++
	}
	if f.LoginUID != aulog.NotFound {
		o.users[f.LoginUID] = struct{}{}
	}
	if f.PID != aulog.Unset {
		o.pids[f.PID] = struct{}{}
	}
	o.note(o.terminals, f.Terminal)
	o.note(o.hosts, f.Host)
	o.note(o.exes, f.Exe)
	o.note(o.comms, command(e, f))
	for i := range f.Files {
		if !isFile(&f.Files[i]) {
			continue
		}
		if name := f.Files[i].Name; name != nil {
			o.note(o.files, name)
		} else {
			o.note(o.files, []byte(null))
		}
	}
	for _, k := range f.Keys {
		if string(k) != null {
			o.note(o.keys, k)
		}
	}
}

func (o *overview) note(set names, v []byte) {
	if v != nil {
		set[maphash.Bytes(o.seed, v)] = struct{}{}
	}
}

// sight is what kinds of records an event has.
type sight uint32

const (
	seesConfigChange sight = 1 << iota
	seesDaemonConfig
	seesUsysConfig
	seesMACConfig
	seesNetfilter
	seesFeature
	seesMACChange
	seesMod
	seesLogin
	seesAuth
	seesAVC
	seesMAC
	seesAnomaly
	seesResponse
	seesCrypto
	seesIntegrity
	seesVirt
	seesMgmt
)

func seenIn(t tables.Type) sight {
	switch {
	case t >= tables.TypeSyscall && t < 1400 && t != tables.TypeConfigChange && t != tables.TypeNetfilterCfg &&
		t != tables.TypeFeatureChange:
		return 0
	case t == tables.TypeUserMgmt:
		return seesMod | seesMgmt
	case isMod(t) && !isMAC(t):
		return seesMod
	case isKernelMAC(t):
		return seesMACChange | seesMAC
	case isMAC(t):
		s := seesMAC
		if isMod(t) {
			s |= seesMod
		}
		if t == tables.TypeUserMACConfigChange {
			s |= seesMACConfig
		}
		return s
	case isAVC(t):
		return seesAVC
	case isStrange(t):
		return seesAnomaly
	case isResponse(t):
		return seesResponse
	case isCrypto(t):
		return seesCrypto
	case isIntegrity(t):
		return seesIntegrity
	case isVirt(t):
		return seesVirt
	}
	switch t {
	case tables.TypeConfigChange:
		return seesConfigChange
	case tables.TypeDaemonConfig:
		return seesDaemonConfig
	case tables.TypeUsysConfig:
		return seesUsysConfig
	case tables.TypeNetfilterCfg:
		return seesNetfilter
	case tables.TypeFeatureChange:
		return seesFeature
	case tables.TypeUserLogin:
		return seesLogin
	case tables.TypeUserAuth, tables.TypeGrpAuth:
		return seesAuth
	}
	return 0
}

func (o *overview) count(seen sight, f *aulog.Facts) {
	for s := seesConfigChange; s <= seesMACChange; s <<= 1 {
		if seen&s != 0 {
			o.configs++
		}
	}
	for _, c := range []struct {
		sight sight
		n     *uint64
	}{
		{seesMod, &o.mods}, {seesAVC, &o.avcs}, {seesMAC, &o.macs}, {seesAnomaly, &o.anomalies},
		{seesResponse, &o.responses}, {seesCrypto, &o.cryptos}, {seesIntegrity, &o.integrities}, {seesVirt, &o.virts},
	} {
		if seen&c.sight != 0 {
			*c.n++
		}
	}
	if seen&seesLogin != 0 {
		byResult(f, &o.logins, &o.failedLogins)
	}
	if seen&seesAuth != 0 {
		byResult(f, &o.auths, &o.failedAuths)
	}
	if seen&seesMgmt != 0 && f.Result == aulog.ResultFailed {
		o.failedAuths++
	}
}

func byResult(f *aulog.Facts, done, failed *uint64) {
	switch f.Result {
	case aulog.ResultSuccess:
		*done++
	case aulog.ResultFailed:
		*failed++
	}
}

// span is the first and the last stamp of a log.
type span struct {
	first, last audit.ID
	any, some   bool // whether there is a first, a last one
}

func (s *span) begin(id audit.ID) {
	if !s.any {
		s.first, s.any = id, true
	}
}

func (s *span) end(id audit.ID) { s.last, s.some = id, true }

func (s *span) text(zone *time.Location) string {
	return stampText(s.first, zone) + " - " + stampText(s.last, zone)
}

func stampText(id audit.ID, zone *time.Location) string {
	return clockText(id.Sec, zone) + fmt.Sprintf(".%03d", id.Milli)
}

// clockText is a time as %x %T of the C locale.
func clockText(sec int64, zone *time.Location) string {
	return time.Unix(sec, 0).In(zone).Format("01/02/06 15:04:05")
}

// print appends the summary.
func (o *overview) print(dst []byte, s span, asked aulog.Range, zone *time.Location) []byte {
	dst = append(dst, "Range of time in logs: "+s.text(zone)+"\nSelected time for report: "...)
	start := s.first.Sec
	if asked.Start != 0 {
		start = asked.Start
	}
	dst = append(dst, clockText(start, zone)+" - "...)
	if asked.End != 0 {
		dst = append(dst, clockText(asked.End, zone)...)
	} else {
		dst = append(dst, stampText(s.last, zone)...)
	}
	dst = append(dst, '\n')
	for _, line := range []struct {
		what string
		n    uint64
	}{
		{"changes in configuration", o.configs},
		{"changes to accounts, groups, or roles", o.mods},
		{"logins", o.logins},
		{"failed logins", o.failedLogins},
		{"authentications", o.auths},
		{"failed authentications", o.failedAuths},
		{"users", uint64(len(o.users))},
		{"terminals", uint64(len(o.terminals))},
		{"host names", uint64(len(o.hosts))},
		{"executables", uint64(len(o.exes))},
		{"commands", uint64(len(o.comms))},
		{"files", uint64(len(o.files))},
		{"AVC's", o.avcs},
		{"MAC events", o.macs},
		{"failed syscalls", o.failedCalls},
		{"anomaly events", o.anomalies},
		{"responses to anomaly events", o.responses},
		{"crypto events", o.cryptos},
		{"integrity events", o.integrities},
		{"virt events", o.virts},
		{"keys", uint64(len(o.keys))},
		{"process IDs", uint64(len(o.pids))},
		{"events", o.events},
	} {
		dst = append(dst, "Number of "+line.what+": "...)
		dst = append(strconv.AppendUint(dst, line.n, 10), '\n')
	}
	return append(dst, '\n')
}
