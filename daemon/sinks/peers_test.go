package sinks

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vigil/audit/tables"
	"vigil/daemon/config"
)

var peerEvents = flag.Int("events", 10_000, "how many events are sent to each syslog server; 200000 for a long run")

// peer is somebody else's syslog server, that writes what it gets as JSON.
type peer struct {
	t       *testing.T
	dir     string
	command []string
	env     []string
	port    string
	ca      string // its certificate authority, with TLS
	cmd     *exec.Cmd
}

// message is what a peer has made of a message.
type message struct {
	Pri   string `json:"pri"`
	Host  string `json:"host"`
	App   string `json:"app"`
	MsgID string `json:"msgid"`
	Data  string `json:"sd"`
	Msg   string `json:"msg"`
}

// peers is where tests/setup unpacks the servers.
func peers(t *testing.T) (root string, env []string) {
	t.Helper()
	root = os.Getenv("VIGIL_TEST_SYSLOG")
	if root == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		root = filepath.Join(cache, "vigil", "syslog")
	}
	if _, err := os.Stat(root + "/usr/sbin/rsyslogd"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("needs rsyslogd and syslog-ng, which tests/setup unpacks: %v", err)
		}
		t.Skipf("needs rsyslogd and syslog-ng, which tests/setup unpacks: %v", err)
	}
	libraries := []string{"/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib/syslog-ng", "/usr/lib/syslog-ng/3.38"}
	for i := range libraries {
		libraries[i] = root + libraries[i]
	}
	return root, append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(libraries, ":"))
}

// freePort returns a port that nobody listens on, for UDP and TCP.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// certify writes a certificate for 127.0.0.1 that vouches for itself.
func certify(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "siem"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// rsyslogd is a server of UDP and TCP, or of TLS.
func rsyslogd(t *testing.T, tls bool) *peer {
	root, env := peers(t)
	p := &peer{t: t, dir: t.TempDir(), env: env, port: freePort(t)}
	secure, mode := "", ""
	if tls {
		certify(t, p.dir)
		p.ca = p.dir + "/cert.pem"
		secure = fmt.Sprintf(`defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="%[1]s/cert.pem" defaultNetstreamDriverCertFile="%[1]s/cert.pem" defaultNetstreamDriverKeyFile="%[1]s/key.pem"`, p.dir)
		mode = `StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"`
	}
	p.write("rsyslog.conf", fmt.Sprintf(`
global(maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off" workDirectory="%[1]s" %[3]s)
module(load="imtcp" %[4]s)
module(load="imudp")
template(name="j" type="list" option.jsonf="on") {
	property(outname="pri" name="pri" format="jsonf")
	property(outname="host" name="hostname" format="jsonf")
	property(outname="app" name="app-name" format="jsonf")
	property(outname="msgid" name="msgid" format="jsonf")
	property(outname="sd" name="structured-data" format="jsonf")
	property(outname="msg" name="msg" format="jsonf")
}
main_queue(queue.type="LinkedList" queue.size="1000000")
input(type="imtcp" port="%[2]s")
input(type="imudp" port="%[2]s" rcvbufSize="64m")
action(type="omfile" file="%[1]s/out" template="j" flushOnTXEnd="on" asyncWriting="off")
`, p.dir, p.port, secure, mode))
	p.command = []string{root + "/usr/sbin/rsyslogd", "-n", "-f", p.dir + "/rsyslog.conf", "-i", p.dir + "/pid", "-M", root + "/usr/lib/x86_64-linux-gnu/rsyslog"}
	return p.start()
}

// syslogNG is a server of RFC 5424 over TCP.
func syslogNG(t *testing.T) *peer {
	root, env := peers(t)
	p := &peer{t: t, dir: t.TempDir(), env: env, port: freePort(t)}
	p.write("syslog-ng.conf", fmt.Sprintf(`@version: 3.35
options { keep-hostname(yes); log-msg-size(65536); stats-freq(0); };
source s { syslog(transport("tcp") ip("127.0.0.1") port(%[2]s) max-connections(20) log-iw-size(20000)); };
destination d { file("%[1]s/out" template("$(format-json --scope none pri=$PRI host=$HOST app=$PROGRAM msgid=$MSGID sd=$SDATA msg=$MSG)\n")); };
log { source(s); destination(d); flags(flow-control); };
`, p.dir, p.port))
	p.command = []string{
		root + "/usr/sbin/syslog-ng", "-F", "--no-caps", "-f", p.dir + "/syslog-ng.conf", "--persist-file", p.dir + "/persist", "--pidfile", p.dir + "/pid",
		"--control", p.dir + "/ctl", "--module-path", root + "/usr/lib/syslog-ng/3.38",
	}
	return p.start()
}

func (p *peer) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// start runs the server until it is stopped, or the test ends.
func (p *peer) start() *peer {
	p.t.Helper()
	log, err := os.OpenFile(p.dir+"/log", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command(p.command[0], p.command[1:]...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, log, log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	cmd := p.cmd
	p.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	await(p.t, "the server listens", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+p.port)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, func() string { text, _ := os.ReadFile(p.dir + "/log"); return string(text) })
	return p
}

// kill ends the server at once, or lets it end in order.
func (p *peer) kill(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait()
	_ = os.Remove(p.dir + "/pid")
}

// messages are what the server has got so far.
func (p *peer) messages() (list []message) {
	p.t.Helper()
	file, err := os.Open(p.dir + "/out")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		p.t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return list // the server is not done with it
		}
		m.Msg = strings.TrimPrefix(m.Msg, " ")
		list = append(list, m)
	}
	return list
}

// count is how many lines the server has written.
func (p *peer) count() int {
	text, err := os.ReadFile(p.dir + "/out")
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte{'\n'})
}

// await waits until is holds.
func await(t *testing.T, what string, is func() bool, why func() string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not come: %s\n%s", what, why())
		}
	}
}

// corpus is a trail of n events of all types of records, with what users can put
// into them.
func corpus(n int) []byte {
	values := []string{
		`name="/srv/x y"`, `name=2F73727620C3A9`, `comm="a]b\c"`, `msg='op=login acct="alice" exe="/bin/su" hostname=? addr=10.0.0.1 res=failed'`,
		`key="exec"`, `a0="-c" a1=612262`, "proctitle=6C73002D6C", `subj=system_u:system_r:sshd_t:s0-s0:c0.c1023`, `res=1`, "x=\xc3\xa9\xe2\x82\xac",
		"long=" + strings.Repeat("5A", 3500), `"quoted" words [in] brackets`, "tab=\there",
	}
	types := slices.DeleteFunc(slices.Clone(tables.Types()), func(t tables.Type) bool {
		return t == tables.TypeEOE || t == tables.TypeProctitle || t < 1100 || t == tables.TypeLedger
	})
	var b bytes.Buffer
	for i := range n {
		stamp := fmt.Sprintf("audit(%d.%03d:%d)", 1700000000+i/1000, i%1000, i+1)
		kind := types[i%len(types)].AppendLog(nil)
		fmt.Fprintf(&b, "type=%s msg=%s: pid=%d %s", kind, stamp, i, values[i%len(values)])
		if i%3 == 0 {
			b.WriteString("\x1dUID=\"root\" AUID=\"alice\"")
		}
		b.WriteByte('\n')
		fmt.Fprintf(&b, "type=PROCTITLE msg=%s: proctitle=%X\n", stamp, strconv.Itoa(i))
	}
	return b.Bytes()
}

// sent is what is to arrive of a trail, in any order.
func sent(t *testing.T, trail []byte) (want []string) {
	t.Helper()
	for line := range bytes.Lines(trail) {
		want = append(want, strings.ReplaceAll(strings.TrimSuffix(string(line), "\n"), "\x1d", " "))
	}
	slices.Sort(want)
	return want
}

// runSink starts a sink with settings on the trail at path.
func runSink(t *testing.T, path, settings string) (*Set, chan struct{}) {
	t.Helper()
	c := config.Default("/etc/audit")
	file := filepath.Join(t.TempDir(), "vigil.yaml")
	if err := os.WriteFile(file, []byte("sinks: [{ name: siem, type: syslog, "+settings+" }]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.ApplyYAML(file); err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{}, 1)
	set := New(Config{
		Trail:    Trail{Path: path, Changed: func() <-chan struct{} { return changed }},
		StateDir: t.TempDir(), Machine: "m", Host: "web1", Log: slog.New(slog.DiscardHandler),
	})
	set.Apply(context.Background(), c.Sinks)
	t.Cleanup(func() { set.Close(0) })
	return set, changed
}

// TestSyslogServers: what other people's servers understand is what the trail holds.
func TestSyslogServers(t *testing.T) {
	text := corpus(*peerEvents)
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	want := sent(t, text)
	for _, c := range []struct {
		name  string
		start func(*testing.T) *peer
		sink  string
		old   bool // RFC 3164
	}{
		{"rsyslogd over TCP", func(t *testing.T) *peer { return rsyslogd(t, false) }, "address: 'tcp://127.0.0.1:%s', facility: local6, severity: notice", false},
		{"rsyslogd over TCP, RFC 3164, lines", func(t *testing.T) *peer { return rsyslogd(t, false) }, "address: 'tcp://127.0.0.1:%s', facility: local6, severity: notice, protocol: rfc3164, framing: newline", true},
		{"rsyslogd over TLS", func(t *testing.T) *peer { return rsyslogd(t, true) }, "address: 'tls://127.0.0.1:%s', facility: local6, severity: notice, tls: { ca: %s }", false},
		{"rsyslogd over UDP", func(t *testing.T) *peer { return rsyslogd(t, false) }, "address: 'udp://127.0.0.1:%s', facility: local6, severity: notice, max_length: 60000, rate: 20MiB", false},
		{"syslog-ng", syslogNG, "address: 'tcp://127.0.0.1:%s', facility: local6, severity: notice", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.start(t)
			settings := strings.Replace(strings.Replace(c.sink, "%s", p.port, 1), "%s", p.ca, 1)
			set, _ := runSink(t, path, settings)
			await(t, "all messages", func() bool { return p.count() >= len(want) }, func() string {
				return fmt.Sprintf("%d of %d came: %+v", p.count(), len(want), set.Status())
			})
			set.Close(time.Minute)
			var got []string
			for _, m := range p.messages() {
				got = append(got, m.Msg)
				if m.Pri != "181" && m.Pri != "<181>" || m.Host != "web1" || m.App != "vigil" {
					t.Fatalf("got %+v", m)
				}
				// Types that a log has as UNKNOWN[n] for the sake of old tools have their name here.
				if kind, _, _ := strings.Cut(strings.TrimPrefix(m.Msg, "type="), " "); !c.old && m.MsgID != kind && !strings.HasPrefix(kind, "UNKNOWN[") {
					t.Errorf("MSGID %q of %.80q", m.MsgID, m.Msg)
				}
				if !c.old && !strings.Contains(m.Data, "uid=") {
					t.Fatalf("structured data %q", m.Data)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%d messages came, %d were sent; the first that differ (-got +want):\n%s", len(got), len(want), firstDifference(got, want))
			}
		})
	}
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("-%.300q\n+%.300q", got[i], want[i])
		}
	}
	return "one is longer"
}
