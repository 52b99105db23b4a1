package trail

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// lineReader reads the lines of one segment after another, for Reader and
// LiveReader. Which segment comes next, they say.
type lineReader struct {
	scan    scanner
	file    *os.File
	segment Segment
	open    bool
	line    []byte
	at      int64  // offset after line
	long    []byte // the start of a line that is longer than MaxLine
	cut     bool   // in such a line
	stats   ReaderStats

	before  Position // where reading left the segment before
	pending bool     // how this one follows on it is not known yet
	missed  bool     // something between the two is gone
}

// enter goes on in a segment, from an offset.
func (l *lineReader) enter(f *os.File, offset int64) error {
	segment, err := identify(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if err := l.close(); err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.segment, l.open = f, segment, true
	l.scan.reset(f, offset)
	l.at = offset
	l.account()
	return nil
}

// rewind reads the segment from its start, because it was cut.
func (l *lineReader) rewind() error {
	l.vanished(l.position())
	segment, err := identify(l.file)
	if err != nil {
		return err
	}
	l.segment, l.at, l.cut = segment, 0, false
	l.scan.reset(l.file, 0)
	l.account()
	return nil
}

// next moves to the next line. false without an error: there is none yet.
func (l *lineReader) next() (bool, error) {
	for {
		piece, ended, err := l.scan.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if l.cut || !ended {
			if !l.skip(piece, ended) {
				continue
			}
			return true, nil
		}
		l.line = piece[:len(piece)-1]
		l.took(piece)
		return true, nil
	}
}

// skip takes a piece of a line that is too long and reports whether it was the
// last one.
func (l *lineReader) skip(piece []byte, ended bool) bool {
	if !l.cut {
		l.long = append(l.long[:0], piece...)
		l.cut = true
	}
	if !ended {
		return false
	}
	l.cut = false
	l.stats.Long++
	l.line, l.at = l.long, l.scan.offset
	return true
}

// took notes what a line says about where in the trail it stands.
func (l *lineReader) took(line []byte) {
	if l.segment.Sum == 0 && l.at == 0 {
		l.segment.Sum = firstLineSum(line)
	}
	if len(line) > chainLength && bytes.HasSuffix(line[:len(line)-2*32-1], []byte(fieldChain)) {
		if k, ok := parseLink(line); ok {
			l.segment.Number, l.segment.Base = k.number, k.bytes-l.at
			l.account()
		}
	}
	l.at = l.scan.offset
}

// last hands out what follows the last newline of a stream.
func (l *lineReader) last() bool {
	if l.cut {
		l.cut = false
		l.stats.Long++
		l.line = l.long
		l.scan.rest()
	} else if l.line = l.scan.rest(); len(l.line) == 0 {
		return false
	}
	l.at = l.scan.offset
	return true
}

// position is where the next line begins.
func (l *lineReader) position() Position {
	if !l.open {
		return l.before
	}
	return Position{Segment: l.segment, Offset: l.at}
}

// leftover is how many bytes there are after the last line.
func (l *lineReader) leftover() int64 { return l.scan.offset + int64(l.scan.partial()) - l.at }

// close leaves the segment.
func (l *lineReader) close() error {
	if !l.open {
		return nil
	}
	if l.pending && l.missed {
		l.stats.Lost.Unknown++ // no LEDGER line has said how much
	}
	l.before = l.position()
	l.open, l.cut, l.pending, l.missed = false, false, true, false
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// vanished says that the segment in which reading stood at p is gone.
func (l *lineReader) vanished(p Position) {
	l.before, l.pending, l.missed = p, true, true
}

// account finds out how much is missing between the segment before and this one,
// as soon as a LEDGER line says where in the stream this one stands.
func (l *lineReader) account() {
	if !l.pending || l.segment.Number == 0 {
		return
	}
	l.pending = false
	missed := l.missed
	l.missed = false
	before := l.before.Segment
	if before.Number == 0 || l.segment.Number < before.Number {
		if missed {
			l.stats.Lost.Unknown++
		}
		return
	}
	between := int64(l.segment.Number-before.Number) - 1
	gone := l.segment.Base - (before.Base + l.before.Offset)
	switch {
	case between <= 0 && !missed || gone == 0:
		// Neighbours, and the first was read to its end.
	case gone < 0:
		l.stats.Lost.Unknown++
	default:
		l.stats.Lost.Bytes += gone
		l.stats.Lost.Segments += max(between, 0)
		if missed {
			l.stats.Lost.Segments++
		}
	}
}

// after returns the first listed segment that follows a vanished one, or the
// oldest if that cannot be told: better twice than never.
func after(path string, entries []entry, s Segment) int {
	if s.Number == 0 {
		return 0
	}
	for i, e := range entries {
		f, err := openEntry(path, e)
		if err != nil {
			continue
		}
		found, err := identify(f)
		f.Close()
		if err == nil && found.Number > s.Number {
			return i
		}
	}
	return 0
}
