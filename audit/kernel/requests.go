package kernel

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"vigil/audit/tables"
)

// one returns a reply that takes a single message of type t.
func one(want tables.Type, take func(payload []byte) error) reply {
	return func(t tables.Type, payload []byte) (bool, error) {
		if t != want {
			return false, nil
		}
		return true, take(payload)
	}
}

// Status reads the engine's state.
func (c *Control) Status(ctx context.Context) (Status, error) {
	var s Status
	_, err := c.do(ctx, "read audit status", tables.TypeGet, nil, one(tables.TypeGet, func(p []byte) (err error) {
		s, err = parseStatus(p)
		return err
	}))
	return s, err
}

// Set changes settings. While the engine is locked (Enabled 2) it returns
// EPERM.
func (c *Control) Set(ctx context.Context, s Settings) error {
	_, err := c.do(ctx, "change audit settings", tables.TypeSet, s.payload(), nil)
	return err
}

// Unregister gives up this process's registration as audit daemon, whichever
// socket of it has it. It returns EACCES if another process is registered.
func (c *Control) Unregister(ctx context.Context) error {
	_, err := c.do(ctx, "unregister as audit daemon", tables.TypeSet, pidPayload(0), nil)
	return err
}

// ResetLost sets the count of lost records to 0 and returns what it was. The
// kernel answers with a positive acknowledgement code.
func (c *Control) ResetLost(ctx context.Context) (uint32, error) {
	code, err := c.do(ctx, "reset audit lost", tables.TypeSet, statusPayload([statusWords]uint32{0: statusLost}), nil)
	return uint32(code), err
}

// ResetBacklogWaitTimeActual sets the sum of waits to 0 and returns what it
// was, in jiffies. Linux 5.9.
func (c *Control) ResetBacklogWaitTimeActual(ctx context.Context) (uint32, error) {
	code, err := c.do(ctx, "reset audit backlog wait time", tables.TypeSet, statusPayload([statusWords]uint32{0: statusWaitTimeActual}), nil)
	return uint32(code), err
}

// Rules lists the loaded rules, each a struct audit_rule_data, in the kernel's
// order. The slices are the caller's.
func (c *Control) Rules(ctx context.Context) ([][]byte, error) {
	var rules [][]byte
	_, err := c.do(ctx, "list audit rules", tables.TypeListRules, nil, func(t tables.Type, p []byte) (bool, error) {
		if t == tables.TypeListRules {
			rules = append(rules, bytes.Clone(p))
		}
		return t == typeDone, nil
	})
	return rules, err
}

// AddRule loads one struct audit_rule_data. EEXIST: it is loaded already.
func (c *Control) AddRule(ctx context.Context, rule []byte) error {
	_, err := c.do(ctx, "add audit rule", tables.TypeAddRule, rule, nil)
	return err
}

// DeleteRule unloads the rule that is equal to the given one. ENOENT: there is
// none.
func (c *Control) DeleteRule(ctx context.Context, rule []byte) error {
	_, err := c.do(ctx, "delete audit rule", tables.TypeDelRule, rule, nil)
	return err
}

// Feature is a bit of Features.
type Feature uint32

// The features of <linux/audit.h>.
const (
	FeatureOnlyUnsetLoginuid Feature = 1 << 0 // the loginuid can be set once only
	FeatureLoginuidImmutable Feature = 1 << 1 // the loginuid can never be changed by its bearer
)

// Features is the engine's struct audit_features.
type Features struct {
	On     Feature
	Locked Feature // cannot be changed until reboot
}

// Features reads the features.
func (c *Control) Features(ctx context.Context) (Features, error) {
	var f Features
	_, err := c.do(ctx, "read audit features", tables.TypeGetFeature, nil, one(tables.TypeGetFeature, func(p []byte) error {
		if len(p) < 16 {
			return fmt.Errorf("%d bytes: too short", len(p))
		}
		f = Features{On: Feature(order.Uint32(p[8:])), Locked: Feature(order.Uint32(p[12:]))}
		return nil
	}))
	return f, err
}

// SetFeature turns a feature on or off, and locks it as it is then if lock is
// set. EPERM: it is locked.
func (c *Control) SetFeature(ctx context.Context, f Feature, on, lock bool) error {
	words := [4]uint32{1, uint32(f), 0, 0} // vers, mask, features, lock
	if on {
		words[2] = uint32(f)
	}
	if lock {
		words[3] = uint32(f)
	}
	var p []byte
	for _, w := range words {
		p = order.AppendUint32(p, w)
	}
	_, err := c.do(ctx, "set audit feature", tables.TypeSetFeature, p, nil)
	return err
}

// Trim drops watches on directory trees below which something was unmounted.
func (c *Control) Trim(ctx context.Context) error {
	_, err := c.do(ctx, "trim audit watches", tables.TypeTrim, nil, nil)
	return err
}

// MakeEquiv tells the engine that the tree at mount also shows up at subtree
// (auditctl -q mount,subtree).
func (c *Control) MakeEquiv(ctx context.Context, mount, subtree string) error {
	p := order.AppendUint32(nil, uint32(len(mount)))
	p = order.AppendUint32(p, uint32(len(subtree)))
	p = slices.Concat(p, []byte(mount), []byte(subtree))
	_, err := c.do(ctx, "make audit trees equivalent", tables.TypeMakeEquiv, p, nil)
	return err
}

// TTY says whether the engine logs what the terminal of this process types.
type TTY struct {
	Enabled   bool
	Passwords bool // also when the terminal does not echo
}

// TTY reads the caller's terminal auditing.
func (c *Control) TTY(ctx context.Context) (TTY, error) {
	var tty TTY
	_, err := c.do(ctx, "read tty auditing", tables.TypeTTYGet, nil, one(tables.TypeTTYGet, func(p []byte) error {
		if len(p) < 8 {
			return fmt.Errorf("%d bytes: too short", len(p))
		}
		tty = TTY{Enabled: order.Uint32(p) != 0, Passwords: order.Uint32(p[4:]) != 0}
		return nil
	}))
	return tty, err
}

// SignalInfo is who sent this process, if it is the registered daemon, the last
// of the signals that daemons are told things with.
type SignalInfo struct {
	UID     uint32 // the sender's login uid, or its uid if that is not set
	PID     int
	Context string // LSM context, "" if there is none
}

// SignalInfo reads who signalled.
func (c *Control) SignalInfo(ctx context.Context) (SignalInfo, error) {
	var info SignalInfo
	_, err := c.do(ctx, "read audit signal info", tables.TypeSignalInfo, nil, one(tables.TypeSignalInfo, func(p []byte) error {
		if len(p) < 8 {
			return fmt.Errorf("%d bytes: too short", len(p))
		}
		info = SignalInfo{UID: order.Uint32(p), PID: int(order.Uint32(p[4:])), Context: string(bytes.TrimRight(p[8:], "\x00"))}
		return nil
	}))
	return info, err
}

// SendUser logs a user message; text becomes the record's msg='text'. The
// kernel cuts it at 8560 bytes, drops it silently while auditing is off, and
// does not escape it: keep quotes and control characters out.
func (c *Control) SendUser(ctx context.Context, t tables.Type, text string) error {
	_, err := c.do(ctx, "send audit user message", t, append([]byte(text), 0), nil)
	return err
}
