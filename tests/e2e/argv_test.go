package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"

	"vigil/tests/rig"
)

// commandLines puts the EXECVE records of a trail together, knowing no more than the kernel's own comments in
// kernel/auditsc.c (audit_log_execve_info): a long argument comes in pieces a2[0], a2[1], and after 7,500 bytes or so
// a further record begins.
type commandLines struct {
	open map[uint32]*commandLine
	done func(serial uint32, argv []string) error
}

type commandLine struct {
	argc int
	args [][]byte
}

func newCommandLines(done func(uint32, []string) error) *commandLines {
	return &commandLines{open: map[uint32]*commandLine{}, done: done}
}

// add takes one line of a trail; done is called when the event's last argument has come. Arguments come in order, so
// the last one is whole once the number of arguments is reached and its announced length too.
func (c *commandLines) add(line rig.Line) error {
	switch string(line.Type) {
	case "EXECVE":
	case "PROCTITLE": // the event's last record
		if one := c.open[line.Serial]; one != nil {
			delete(c.open, line.Serial)
			if len(one.args) != one.argc {
				return fmt.Errorf("serial %d: %d of %d arguments", line.Serial, len(one.args), one.argc)
			}
			argv := make([]string, len(one.args))
			for i, arg := range one.args {
				argv[i] = string(arg)
			}
			return c.done(line.Serial, argv)
		}
		return nil
	default:
		return nil
	}
	one := c.open[line.Serial]
	if one == nil {
		one = &commandLine{}
		c.open[line.Serial] = one
	}
	for _, token := range bytes.Fields(line.Body) {
		if err := one.token(token); err != nil {
			return fmt.Errorf("serial %d: %w: %.60q", line.Serial, err, token)
		}
	}
	return nil
}

// token takes argc=N, aN="...", aN=HEX, aN_len=N, aN[M]="..." or aN[M]=HEX. No value holds a space: such are hex.
func (c *commandLine) token(token []byte) error {
	name, value, ok := bytes.Cut(token, []byte("="))
	if !ok {
		return fmt.Errorf("no field")
	}
	if string(name) == "argc" {
		n, err := strconv.Atoi(string(value))
		c.argc = n
		return err
	}
	if bytes.HasSuffix(name, []byte("_len")) {
		return nil
	}
	number, _, _ := bytes.Cut(name[1:], []byte("["))
	i, err := strconv.Atoi(string(number))
	if err != nil {
		return err
	}
	if i == len(c.args) {
		c.args = append(c.args, nil)
	}
	if i != len(c.args)-1 {
		return fmt.Errorf("argument %d after %d", i, len(c.args)-1)
	}
	text := value
	if len(value) > 0 && value[0] == '"' {
		text = bytes.Trim(value, `"`)
	} else if text, err = hex.DecodeString(string(value)); err != nil {
		return err
	}
	c.args[i] = append(c.args[i], text...)
	return nil
}
