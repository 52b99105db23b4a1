package attribution

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
)

// record parses a line.
func line(t testing.TB, text string) audit.Record {
	t.Helper()
	r, err := audit.ParseLine([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCompleter(t *testing.T) {
	const stamp = "msg=audit(1795258195.263:5513): "
	cart := &Container{ID: "c1", Name: "cart", Image: "shop/cart:1", Runtime: "containerd", Privileged: No,
		Labels: []Label{{"tier", "front"}}, Pod: &Pod{Name: "cart-0", Namespace: "shop", UID: "u1", Account: "default", Labels: []Label{{"app", "a,b=c"}}}}
	c := NewCompleter(0)
	c.Observe(line(t, "type=CONTAINER "+stamp+string(AppendContainer(nil, cart))))
	c.Observe(line(t, "type=CONTAINER "+stamp+`pid=1 msg='op=known CONTAINER_ID="c1" CONTAINER_NAME="forged"'`))
	f := func(name, enrichment string, want Attribution) {
		t.Helper()
		r := line(t, "type=SYSCALL "+stamp+"arch=c000003e pid=1"+enrichment)
		ev := &audit.Event{ID: r.ID, Records: []audit.Record{r, line(t, "type=EXECVE "+stamp+`argc=1 a0="x"`)}}
		before := string(r.Enrichment)
		c.Complete(ev)
		var got Attribution
		ParseEvent(ev, &got)
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: got - want +:\n%s", name, diff)
		}
		if !strings.HasPrefix(string(ev.Records[0].Enrichment), before) {
			t.Errorf("%s: what was there has changed: %q", name, ev.Records[0].Enrichment)
		}
		c.Restore(ev)
		if got := string(ev.Records[0].Enrichment); got != before {
			t.Errorf("%s: after Restore %q, want %q", name, got, before)
		}
	}
	whole := Attribution{Attributed: true, ContainerID: "c1", Runtime: "containerd", PodUID: "u1", Container: cart}
	f("the id alone", "\x1dCONTAINER_ID=\"c1\"", whole)
	f("behind auditd's", "\x1dARCH=x86_64 CONTAINER_ID=\"c1\" CONTAINER_RUNTIME=\"containerd\" POD_ID=\"u1\"", whole)
	renamed := *cart
	renamed.Name = "was cart"
	renamed.Pod = &Pod{}
	*renamed.Pod = *cart.Pod
	renamed.Pod.Labels = []Label{{"app", "old"}}
	whole.Container = &renamed
	f("what the record says itself stays", "\x1dCONTAINER_ID=\"c1\" CONTAINER_NAME=77617320636172 CONTAINER_NAME=\"x\" POD_LABELS=\"app=old\"",
		func() Attribution { renamed.Name = "was car"; return whole }())
	f("another container", "\x1dCONTAINER_ID=\"c2\"", Attribution{Attributed: true, ContainerID: "c2"})
	f("no container", "\x1dUNIT=\"x.service\"", Attribution{Attributed: true, Unit: "x.service"})
	f("nothing", "", Attribution{})
}

// The records that were told of last are remembered.
func TestCompleterIsBounded(t *testing.T) {
	c := NewCompleter(10)
	for i := range 100 {
		c.Observe(line(t, "type=CONTAINER msg=audit(1.000:1): "+string(AppendContainer(nil, &Container{ID: fmt.Sprint(i), Name: "n"}))))
	}
	if len(c.containers) != 10 || len(c.ids) != 10 {
		t.Errorf("%d remembered, %d ids", len(c.containers), len(c.ids))
	}
	if c.containers["99"].Container == nil || c.containers["89"].Container != nil {
		t.Error("not the last ones")
	}
}

// Records may come in any order: the newest counts. What is shared knows the same.
func TestCompleterShare(t *testing.T) {
	c := NewCompleter(0)
	for _, at := range []int{2, 3, 1} {
		text := AppendContainer(nil, &Container{ID: "c1", Name: fmt.Sprintf("name-%d of it", at)})
		c.Observe(line(t, fmt.Sprintf("type=CONTAINER msg=audit(%d.000:1): %s", at, text)))
	}
	c.Observe(line(t, "type=CONTAINER msg=audit(1.000:1): "+string(AppendContainer(nil, &Container{ID: "c2", Image: "shop/cart"}))))
	other := c.Share()
	ev := &audit.Event{Records: []audit.Record{line(t, "type=SYSCALL msg=audit(1.000:1): pid=1\x1dCONTAINER_ID=\"c1\"")}}
	other.Complete(ev)
	var a Attribution
	if ParseEvent(ev, &a); a.Container == nil || a.Container.Name != "name-3 of it" {
		t.Errorf("got %+v", a.Container)
	}
	f := func(want string, needles ...string) {
		t.Helper()
		var list [][]byte
		for _, n := range needles {
			list = append(list, []byte(n))
		}
		if got := fmt.Sprintf("%s", c.Bearing(list)); got != want {
			t.Errorf("bearing %q: got %s, want %s", needles, got, want)
		}
	}
	f("[c2]", "shop/cart")
	f("[c2]", "nobody", "shop")
	f("[c1]", fmt.Sprintf("%X", "name-3 of it")) // as it stands in the record
	f("[]", "nobody")
	f("[]")
}

func BenchmarkComplete(b *testing.B) {
	c := NewCompleter(0)
	c.Observe(line(b, "type=CONTAINER msg=audit(1.000:1): "+string(AppendContainer(nil, &Container{ID: "c1", Name: "cart", Image: "shop/cart:1"}))))
	ev := &audit.Event{Records: []audit.Record{line(b, "type=SYSCALL msg=audit(1.000:1): pid=1\x1dARCH=x86_64 UID=\"root\" CONTAINER_ID=\"c1\" UNIT=\"x\"")}}
	b.ReportAllocs()
	for b.Loop() {
		c.Complete(ev)
		c.Restore(ev)
	}
}
