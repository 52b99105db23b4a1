package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"vigil/audit/kernel"
	"vigil/daemon/config"
	"vigil/internal/setting"
	"vigil/trail"
)

// sourceConfig is the socket's part of the configuration in the words of its
// room.
func sourceConfig(c config.Source, log *slog.Logger) kernel.Config {
	k := kernel.Config{
		ReceiveBuffer: int(c.ReceiveBuffer),
		BacklogLimit:  c.BacklogLimit,
		Gather:        time.Duration(c.Gather),
		Logger:        log,
	}
	switch c.Mode {
	case config.Daemon:
		k.Mode = kernel.Daemon
	case config.Observer:
		k.Mode = kernel.Observer
	}
	if c.OnTaken == config.Retake {
		k.OnTaken = kernel.TakenRetake
	}
	if c.Gather == 0 {
		k.Gather = -1 // not at all
	}
	return k
}

// trailConfig is the log's part of the configuration in the words of its room.
func trailConfig(c config.Trail) (trail.Config, error) {
	t := trail.Config{
		Path:         c.Path,
		MaxFile:      int64(c.MaxFile),
		Files:        c.Files,
		NeededBytes:  int64(c.Keep),
		FlushRecords: c.Flush.Records,
		FlushEvery:   time.Duration(c.Flush.Every),
	}
	switch c.OnFull {
	case config.Keep:
		t.Full = trail.Keep
	case config.Ignore:
		t.Full = trail.Ignore
	}
	switch c.Flush.Mode {
	case config.FlushIncremental:
		t.Flush = trail.Incremental
	case config.FlushNone:
		t.Flush = trail.None
	case config.FlushData:
		t.Flush = trail.Data
	case config.FlushSync:
		t.Flush = trail.Sync
	}
	group, err := setting.GroupID(c.Group)
	t.Group = group
	return t, err
}

// trailPath is where the trail lies: where the configuration says, or, if the
// audit daemon that is registered writes its log there, in the state directory. Two
// writers in one file would have every record twice, and rotate it away from each
// other.
func (d *daemon) trailPath() (string, error) {
	path, holder := d.settings.Trail.Path, d.status.Load()
	if holder == nil || holder.PID == 0 || int(holder.PID) == os.Getpid() || !hasOpen(int(holder.PID), path) {
		return path, nil
	}
	own, err := filepath.Abs(filepath.Join(d.o.StateDir, "trail", filepath.Base(path)))
	if err != nil {
		return "", fmt.Errorf("find a place for the trail: %w", err)
	}
	if err := os.MkdirAll(d.o.StateDir, 0o700); err != nil {
		return "", fmt.Errorf("make the state directory: %w: name another with --state-dir", err)
	}
	d.log.Warn("the audit daemon that is registered writes to the trail's file: the trail is elsewhere",
		"pid", holder.PID, "file", path, "trail", own)
	return own, nil
}

// trailError adds to why the trail could not be opened what to do, where the error
// does not say it itself.
func trailError(err error) error {
	var locked *trail.LockedError
	var unsafe *trail.UnsafeError
	if errors.As(err, &locked) || errors.As(err, &unsafe) {
		return err
	}
	return fmt.Errorf("%w: see that it can be written, or choose another place with --trail", err)
}

// hasOpen reports whether a process has a file open.
func hasOpen(pid int, path string) bool {
	file, err := os.Stat(path)
	if err != nil {
		return false
	}
	dir := "/proc/" + strconv.Itoa(pid) + "/fd"
	open, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, entry := range open {
		if info, err := os.Stat(filepath.Join(dir, entry.Name())); err == nil && os.SameFile(file, info) {
			return true
		}
	}
	return false
}

// needRestart names the settings that differ and are read only at start.
func needRestart(was, now config.Config) []string {
	var changed []string
	if was.Node != now.Node {
		changed = append(changed, "node")
	}
	if was.Source != now.Source {
		changed = append(changed, "source")
	}
	if !reflect.DeepEqual(was.Attribution, now.Attribution) {
		changed = append(changed, "attribution")
	}
	if was.Metrics != now.Metrics {
		changed = append(changed, "metrics")
	}
	if was.Trail != now.Trail {
		changed = append(changed, "trail")
	}
	return changed
}

// bootID is the kernel's name for this boot, empty if it does not say
// (random(4)).
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(text))
}

// machineID is what this installation of a system is called (machine-id(5)); the
// host's name where it has no such file.
func machineID() string {
	for _, file := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if text, err := os.ReadFile(file); err == nil && len(bytes.TrimSpace(text)) > 0 {
			return string(bytes.TrimSpace(text))
		}
	}
	name, _ := os.Hostname() // empty is as good as any other
	return name
}

// nodeName is what node= says, empty for nothing.
func nodeName(setting string) (string, error) {
	switch setting {
	case "none":
		return "", nil
	case "hostname":
		name, err := os.Hostname()
		if err != nil {
			return "", fmt.Errorf("find node name: %w", err)
		}
		return name, nil
	case "fqd", "numeric":
		return resolvedName(setting)
	}
	return setting, nil
}

// resolveTimeout bounds the name service's part in a start.
const resolveTimeout = 5 * time.Second

// resolvedName is the host's fully qualified name (fqd) or its address
// (numeric), as auditd's name_format has them.
func resolvedName(form string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("find node name: %w", err)
	}
	addresses, err := net.DefaultResolver.LookupIP(ctx, "ip", host)
	if err != nil || len(addresses) == 0 {
		return "", fmt.Errorf("find node name (%s): the host's name %q has no address: %w: give it one in /etc/hosts, or use hostname", form, host, err)
	}
	if form == "numeric" {
		return addresses[0].String(), nil
	}
	names, err := net.DefaultResolver.LookupAddr(ctx, addresses[0].String())
	if err != nil || len(names) == 0 {
		return host, nil // auditd too takes what it has
	}
	return strings.TrimSuffix(names[0], "."), nil
}
