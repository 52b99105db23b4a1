package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"
)

// DeadLetterPath is where the events lie that a sink's far end has rejected: in the
// folder "dead-letters" of the state directory.
func DeadLetterPath(stateDir, sink string) string {
	return filepath.Join(stateDir, "dead-letters", sink+".jsonl")
}

// DeadLetter is a line of a dead-letter file.
type DeadLetter struct {
	Time   time.Time `json:"time"`
	Sink   string    `json:"sink"`
	UID    string    `json:"uid"`
	Event  Stamp     `json:"event"`
	Reason string    `json:"reason"`
	// Data is the event as it was sent: Text if it is UTF-8, else Bytes.
	Text  string `json:"text,omitempty"`
	Bytes []byte `json:"bytes,omitempty"`
}

const deadMax = 64 << 20

// deadLetters appends to a dead-letter file, which is made with the first of them.
type deadLetters struct {
	path, sink string
	max        int64 // bytes; 0: deadMax
	file       *os.File
	size       int64
}

func (d *deadLetters) write(it *Item, reason string, now time.Time) error {
	letter := DeadLetter{Time: now.UTC(), Sink: d.sink, UID: it.UID.String(), Event: Stamp{it.ID}, Reason: reason}
	if utf8.Valid(it.Data) {
		letter.Text = string(it.Data)
	} else {
		letter.Bytes = it.Data
	}
	line, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	line = append(line, '\n')
	if err := d.ready(int64(len(line))); err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	n, err := d.file.Write(line)
	d.size += int64(n)
	if err != nil {
		// Half a line must not spoil the next one.
		return errors.Join(fmt.Errorf("write dead letter: %w", err), d.file.Truncate(d.size-int64(n)))
	}
	return nil
}

// ready opens the file, and begins it anew if the line would make it too large.
func (d *deadLetters) ready(line int64) error {
	if d.max == 0 {
		d.max = deadMax
	}
	if d.file != nil && d.size+line > d.max && d.size > 0 {
		if err := errors.Join(d.close(), os.Rename(d.path, d.path+".1")); err != nil {
			return err
		}
	}
	if d.file != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(d.path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(d.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	d.file, d.size = file, info.Size()
	return nil
}

func (d *deadLetters) close() error {
	if d.file == nil {
		return nil
	}
	file := d.file
	d.file = nil
	return file.Close()
}
