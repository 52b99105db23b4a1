package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/report/document"
	"vigil/search/report/tally"
)

// loss is what one LEDGER record tells of a loss.
type loss struct {
	at                 audit.ID
	reason             string
	count, first, last uint64
	since, until       time.Time
	segment            string
}

// parseLoss reads a LEDGER record of a loss. Others than Vigil cannot write one: the
// kernel puts pid= before what programs send, so op= does not come first.
func parseLoss(e *audit.Event) (l loss, isLedger, isLoss bool) {
	if len(e.Records) == 0 || e.Records[0].Type != tables.TypeLedger {
		return loss{}, false, false
	}
	l.at = e.ID
	first := true
	fs := e.Records[0].Fields()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		if first && string(f.Name) != "op" {
			return loss{}, false, false
		}
		if first {
			isLoss, first = string(f.Value) == "loss", false
		}
		switch string(f.Name) {
		case "reason":
			l.reason = clip(f.Value)
		case "count":
			l.count, _ = f.Uint()
		case "first":
			l.first, _ = f.Uint()
		case "last":
			l.last, _ = f.Uint()
		case "since":
			l.since = seconds(f.Value)
		case "until":
			l.until = seconds(f.Value)
		case "segment":
			l.segment = clip(f.Value)
		}
	}
	return l, !first, isLoss
}

// seconds reads seconds since the epoch with three decimals.
func seconds(b []byte) time.Time {
	whole, milli, ok := strings.Cut(string(b), ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	ms, err2 := strconv.ParseUint(milli, 10, 10)
	if !ok || err != nil || err2 != nil || sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, int64(ms)*int64(time.Millisecond)).UTC()
}

func newestLoss(a, b *loss) int {
	return cmp.Or(compareIDs(b.at, a.at), strings.Compare(a.reason, b.reason), cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last))
}

// losses lists what the ledger says was lost.
type losses struct {
	list   *tally.List[loss]
	ledger uint64 // LEDGER records
}

func makeLosses(r *Report) section {
	return &losses{list: tally.NewList(r.cfg.Bound, newestLoss, func(l *loss) int { return 128 + len(l.reason) + len(l.segment) })}
}

func (s *losses) add(m *moment) {
	if m.baseline {
		return
	}
	l, isLedger, isLoss := parseLoss(m.Event)
	if isLedger {
		s.ledger++
	}
	if isLoss {
		s.list.Add(l)
	}
}

func (s *losses) merge(from section) {
	s.list.Merge(from.(*losses).list)
	s.ledger += from.(*losses).ledger
}

func (s *losses) table(*Report, *known) document.Table {
	t := document.Table{Empty: "nothing was lost", Columns: []document.Column{{Name: "time", Kind: document.Time}, {Name: "reason"},
		{Name: "count", Kind: document.Number}, {Name: "of"}, {Name: "since", Kind: document.Time}, {Name: "until", Kind: document.Time},
		{Name: "first_serial"}, {Name: "last_serial"}, {Name: "segment"}}}
	if s.ledger == 0 {
		t.Empty = "nothing is known of losses: the log has no LEDGER records, which vigil run writes"
	}
	items := s.list.Items()
	for _, l := range items {
		first, last := "", ""
		if l.last != 0 {
			first, last = strconv.FormatUint(l.first, 10), strconv.FormatUint(l.last, 10)
		}
		t.Rows = append(t.Rows, []document.Value{document.TimeValue(l.at.Time()), document.TextValue(l.reason), document.NumberValue(l.count),
			document.TextValue(lossUnit(l.reason)), document.TimeValue(l.since), document.TimeValue(l.until),
			document.TextValue(first), document.TextValue(last), document.TextValue(l.segment)})
	}
	t.Total = document.Amount{N: uint64(len(items)) + s.list.Dropped()}
	return t
}

// lossUnit says what the count of a loss is of.
func lossUnit(reason string) string {
	switch reason {
	case "gap", "down":
		return "events"
	case "kernel-lost", "write-error", "truncated":
		return "records"
	case "enobufs":
		return "overflows"
	case "torn":
		return "events cut short"
	case "trail":
		return "bytes"
	}
	return ""
}

func (s *losses) notes() []string {
	var reasons []string
	for _, l := range s.list.Items() {
		if !slices.Contains(reasons, l.reason) {
			reasons = append(reasons, l.reason)
		}
	}
	if len(reasons) > 1 {
		return []string{"one loss may be seen in two ways, the kernel's count and a gap: the rows are not to be added up"}
	}
	return nil
}
