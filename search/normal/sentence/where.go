package sentence

import "vigil/audit"

// extra is a value of the main record's enrichment as it stands there, nil if it is not there.
func (t *Teller) extra(name string) []byte {
	f, ok := t.main.GetExtra(name)
	if !ok || len(f.Value) == 0 {
		return nil
	}
	return f.Value
}

// appendExtra appends what a value of the enrichment stands for.
func (t *Teller) appendExtra(dst []byte, name string) []byte {
	f, ok := t.main.GetExtra(name)
	if !ok {
		return dst
	}
	if v := f.Value; len(v) > 0 && v[0] != '"' {
		if text, ok := audit.AppendUnhex(t.buf[:0], v); ok { // docs/format/attribution.md
			t.buf = text
			return appendSafe(dst, text)
		}
	}
	return t.appendText(dst, f)
}

// where appends where it was done: in which container, pod, unit, login session, and by which rule that is known.
func (t *Teller) where(dst []byte) []byte {
	inside := t.extra("CONTAINER_ID") != nil || t.extra("POD_NAME") != nil
	if inside {
		dst = t.inContainer(append(dst, ", in "...))
	} else if t.extra("UNIT") != nil {
		dst = t.appendExtra(append(dst, ", in "...), "UNIT")
	}
	if t.extra("EXEC_SESSION") != nil {
		dst = append(dst, ", entered"...)
		if t.extra("EXEC_VIA") != nil {
			dst = t.appendExtra(append(dst, " through "...), "EXEC_VIA")
		}
		dst = append(dst, " in exec session "...)
		dst = t.short(dst, "EXEC_SESSION")
	}
	dst = t.session(dst)
	if t.extra("LOGIN_ADDR") != nil || t.extra("LOGIN_METHOD") != nil {
		dst = append(dst, ", logged in"...)
		if t.extra("LOGIN_ADDR") != nil {
			dst = t.appendExtra(append(dst, " from "...), "LOGIN_ADDR")
		}
		if t.extra("LOGIN_METHOD") != nil {
			dst = t.appendExtra(append(dst, " by "...), "LOGIN_METHOD")
		}
	}
	return t.rule(dst)
}

// inContainer appends container, image and pod.
func (t *Teller) inContainer(dst []byte) []byte {
	named := t.extra("CONTAINER_NAME") != nil
	switch {
	case named:
		dst = t.appendExtra(append(dst, "container "...), "CONTAINER_NAME")
	case t.extra("CONTAINER_ID") != nil:
		dst = t.short(append(dst, "container "...), "CONTAINER_ID")
		named = true
	}
	if named && t.extra("CONTAINER_IMAGE") != nil {
		dst = t.appendExtra(append(dst, " ("...), "CONTAINER_IMAGE")
		dst = append(dst, ')')
	}
	if t.extra("POD_NAME") == nil {
		return dst
	}
	if named {
		dst = append(dst, " of "...)
	}
	dst = append(dst, "pod "...)
	if t.extra("POD_NS") != nil {
		dst = append(t.appendExtra(dst, "POD_NS"), '/')
	}
	return t.appendExtra(dst, "POD_NAME")
}

// short appends an id: the first twelve of 64 digits, as container tools print them.
func (t *Teller) short(dst []byte, name string) []byte {
	start := len(dst)
	if dst = t.appendExtra(dst, name); len(dst)-start == 64 {
		dst = dst[:start+12]
	}
	return dst
}

// session appends the login session and its terminal.
func (t *Teller) session(dst []byte) []byte {
	ses, ok := t.main.Get("ses")
	if !ok || ses.IsNull() || string(ses.Value) == "4294967295" || string(ses.Value) == "-1" {
		return dst
	}
	dst = t.appendText(append(dst, ", session "...), ses)
	for _, name := range [...]string{"tty", "terminal"} {
		tty, ok := t.main.Get(name)
		if ok && !tty.IsNull() && string(tty.Value) != "(none)" && string(tty.Value) != "?" {
			return t.appendText(append(dst, " on "...), tty)
		}
	}
	return dst
}

// rule appends the keys of the rule that the event matched.
func (t *Teller) rule(dst []byte) []byte {
	f, ok := t.main.Get("key")
	if !ok || f.IsNull() {
		return dst
	}
	f.Keys(&t.args)
	for i := range t.args.Len() {
		switch {
		case i == 0:
			dst = append(dst, "; rule "...)
		case i == few:
			return append(dst, ", ..."...)
		default:
			dst = append(dst, ", "...)
		}
		dst = appendSafe(dst, t.args.At(i))
	}
	return dst
}

// container tells that a container is known.
func (t *Teller) container(dst []byte) []byte {
	text := func(dst []byte, name string) []byte {
		if f, ok := t.main.Get(name); ok {
			return t.appendText(dst, f)
		}
		return dst
	}
	has := func(name string) bool { _, ok := t.main.Get(name); return ok }
	if op, ok := t.main.Get("op"); !ok || string(op.Value) != "known" || op.FromProgram() {
		return append(dst, "a program has sent something about a container"...)
	}
	start := len(dst)
	dst = append(dst, "container "...)
	if has("CONTAINER_NAME") {
		dst = text(dst, "CONTAINER_NAME")
	} else if dst = text(dst, "CONTAINER_ID"); len(dst)-start == len("container ")+64 {
		dst = dst[:start+len("container ")+12]
	}
	if has("POD_NAME") {
		dst = text(append(text(append(dst, " of pod "...), "POD_NS"), '/'), "POD_NAME")
	}
	dst = append(dst, " runs"...)
	if has("CONTAINER_IMAGE") {
		dst = text(append(dst, " the image "...), "CONTAINER_IMAGE")
	}
	return dst
}
