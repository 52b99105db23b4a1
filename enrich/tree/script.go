package tree

import (
	"path"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
)

// interpreters are programs that take what stands first on their command line for the script to run, unless it begins
// with a hyphen.
var interpreters = []string{"sh", "bash", "dash", "ash", "ksh", "zsh", "python", "perl", "ruby", "node", "nodejs", "php", "lua",
	"Rscript", "tclsh", "expect", "osh"}

// Script returns the script that an execution is for, as an absolute path where that can be told, "" if it is for none.
// args are the event's arguments.
//
// A file that begins with #! is named by the first PATH record; the kernel has put its interpreter, the second one, in
// the place of argument 0, and the file behind it (fs/binfmt_script.c). A script that is given to an interpreter as the
// first word of its command line counts too. Behind options it is not looked for: which of them take a value differs.
func Script(ev *audit.Event, exe string, args *audit.Args) string {
	if args.Len() < 2 {
		return ""
	}
	if name := hashbang(ev, args); name != "" {
		return name
	}
	name, first := string(args.At(0)), 1
	if path.Base(exe) == "busybox" && path.Base(name) == "busybox" { // busybox sh SCRIPT
		name, first = string(args.At(1)), 2
	}
	if args.Len() <= first {
		return ""
	}
	word := string(args.At(first))
	if word == "" || word[0] == '-' || !isInterpreter(path.Base(exe), name) {
		return ""
	}
	return absolute(ev, word)
}

func isInterpreter(base, argv0 string) bool {
	if base == "busybox" {
		base = strings.TrimPrefix(path.Base(argv0), "-")
	}
	// python3.11, perl5.36.0, lua5.4, ruby3.1
	base = strings.TrimRight(base, "0123456789.")
	for _, name := range interpreters {
		if base == name {
			return true
		}
	}
	return false
}

// hashbang returns the first PATH record's name if the event is of a file that begins with #!.
func hashbang(ev *audit.Event, args *audit.Args) string {
	paths := 0
	for i := range ev.Records {
		if ev.Records[i].Type == tables.TypePath {
			paths++
		}
	}
	if paths < 2 {
		return ""
	}
	var file, interpreter string
	for i := range ev.Records {
		if ev.Records[i].Type != tables.TypePath {
			continue
		}
		item, ok := ev.Records[i].Get("item")
		name, ok2 := ev.Records[i].Get("name")
		if !ok || !ok2 || name.IsNull() {
			continue
		}
		switch string(item.Value) {
		case "0":
			file = string(name.Text(nil))
		case "1":
			interpreter = string(name.Text(nil))
		}
	}
	if file == "" || interpreter == "" || string(args.At(0)) != interpreter || file == interpreter {
		return ""
	}
	for i := 1; i < min(args.Len(), 3); i++ { // #! takes one argument, which stands between the two
		if string(args.At(i)) == file {
			return absolute(ev, file)
		}
	}
	return ""
}

// absolute joins name to the event's working directory.
func absolute(ev *audit.Event, name string) string {
	if path.IsAbs(name) {
		return name
	}
	r, ok := ev.First(tables.TypeCWD)
	if !ok {
		return name
	}
	f, ok := r.Get("cwd")
	if !ok || f.IsNull() {
		return name
	}
	return path.Join(string(f.Text(nil)), name)
}
