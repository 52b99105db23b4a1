package normal

// call is what a system call does.
type call uint8

const (
	other call = iota // nothing that has a word: the event tells of the rule that it matched
	open
	stat
	statfs
	mkdir
	remove
	rename
	symlink
	device
	chmod1
	fchmod
	chmod2
	chown1
	fchown
	chown2
	attributes
	fsetxattr
	timestamps
	mount
	umount
	execute
	connect
	accept
	bind
	send
	receive
	memory
	kill
	loadModule
	unloadModule
	setTime
	setName
	setID
	setFSID
	schedule
	security
	getSecurity
	listSecurity
)

// calls are the system calls that have a word.
var calls = map[string]call{
	"open":               open,
	"truncate":           open,
	"ftruncate":          open,
	"creat":              open,
	"readlink":           open,
	"openat":             open,
	"readlinkat":         open,
	"fallocate":          open,
	"memfd_create":       open,
	"openat2":            open,
	"stat":               stat,
	"fstat":              stat,
	"lstat":              stat,
	"access":             stat,
	"newfstatat":         stat,
	"faccessat":          stat,
	"statx":              stat,
	"faccessat2":         stat,
	"stat64":             stat,
	"statfs":             statfs,
	"fstatfs":            statfs,
	"mkdir":              mkdir,
	"mkdirat":            mkdir,
	"rmdir":              remove,
	"unlink":             remove,
	"unlinkat":           remove,
	"rename":             rename,
	"renameat":           rename,
	"renameat2":          rename,
	"symlink":            symlink,
	"symlinkat":          symlink,
	"mknod":              device,
	"mknodat":            device,
	"chmod":              chmod1,
	"fchmod":             fchmod,
	"fchmodat":           chmod2,
	"chown":              chown1,
	"lchown":             chown1,
	"fchown":             fchown,
	"fchownat":           chown2,
	"setxattr":           attributes,
	"lsetxattr":          attributes,
	"fsetxattr":          fsetxattr,
	"removexattr":        attributes,
	"lremovexattr":       attributes,
	"fremovexattr":       attributes,
	"utime":              timestamps,
	"utimes":             timestamps,
	"futimesat":          timestamps,
	"utimensat":          timestamps,
	"mount":              mount,
	"move_mount":         mount,
	"fsmount":            mount,
	"fspick":             mount,
	"umount2":            umount,
	"umount":             umount,
	"execve":             execute,
	"execveat":           execute,
	"connect":            connect,
	"accept":             accept,
	"accept4":            accept,
	"bind":               bind,
	"sendto":             send,
	"sendmsg":            send,
	"recvfrom":           receive,
	"recvmsg":            receive,
	"mmap":               memory,
	"brk":                memory,
	"kill":               kill,
	"tkill":              kill,
	"tgkill":             kill,
	"init_module":        loadModule,
	"finit_module":       loadModule,
	"delete_module":      unloadModule,
	"adjtimex":           setTime,
	"settimeofday":       setTime,
	"clock_settime":      setTime,
	"stime":              setTime,
	"sethostname":        setName,
	"setdomainname":      setName,
	"setuid":             setID,
	"setgid":             setID,
	"setreuid":           setID,
	"setregid":           setID,
	"setresuid":          setID,
	"setresgid":          setID,
	"setfsuid":           setFSID,
	"setfsgid":           setFSID,
	"sched_setparam":     schedule,
	"sched_setscheduler": schedule,
	"sched_setattr":      schedule,
}

// calls4 are those that have one since audit 4.
var calls4 = map[string]call{
	"open_by_handle_at":       open,
	"pidfd_getfd":             open,
	"memfd_secret":            open,
	"open_tree_attr":          open,
	"getxattrat":              stat,
	"listxattrat":             stat,
	"file_getattr":            stat,
	"statmount":               statfs,
	"fchmodat2":               chmod1,
	"mount_setattr":           attributes,
	"setxattrat":              attributes,
	"removexattrat":           attributes,
	"file_setattr":            attributes,
	"fsopen":                  mount,
	"fsconfig":                mount,
	"clock_settime64":         setTime,
	"landlock_create_ruleset": security,
	"landlock_add_rule":       security,
	"landlock_restrict_self":  security,
	"lsm_set_self_attr":       security,
	"mseal":                   security,
	"lsm_get_self_attr":       getSecurity,
	"lsm_list_modules":        listSecurity,
}

// where says what the object of a system call is.
type where uint8

const (
	nowhere   where = iota
	inPath          // the file of a PATH record, whose mode says what kind of file it is
	inPathAny       // the same, taken for a file whatever its mode
	inTarget        // who was killed
	inSocket        // the address in a SOCKADDR record
	inModule        // the name in a KERN_MODULE record
	inProgram       // the process itself, by its program
	inComm          // the process itself, by its name
)

// deed is what is said of a system call.
type deed struct {
	action, objKind string
	object          where
	from            int    // the record from which on the PATH is looked for, counted from 0
	obj2            string // the argument that is the second object
	obj2At          int    // the record whose name is the second object
	byCall          bool   // the system call itself is how it was done
}

// deeds are in the order of the constants above. The records from which on files are looked for are stock's: they
// hold for SYSCALL, CWD, PATH..., and for SYSCALL, EXECVE, CWD, PATH... of execve.
var deeds = [...]deed{
	open:         {action: "opened-file", objKind: "file", object: inPathAny, from: 2},
	stat:         {action: "checked-metadata-of", objKind: "file", object: inPath, from: 2},
	statfs:       {action: "checked-filesystem-metadata-of", objKind: "file-system", object: inPath, from: 2},
	mkdir:        {action: "created-directory", objKind: "file", object: inPath, from: 3},
	remove:       {action: "deleted", objKind: "file", object: inPath, from: 2},
	rename:       {action: "renamed", objKind: "file", object: inPath, from: 4, obj2At: 6},
	symlink:      {action: "symlinked", objKind: "file", object: inPath, from: 4, obj2At: 2},
	device:       {action: "make-device", objKind: "unknown", object: inPath, from: 2},
	chmod1:       {action: "changed-file-permissions-of", objKind: "file", object: inPath, from: 2, obj2: "a1"},
	fchmod:       {action: "changed-file-permissions-of", objKind: "file", object: inPath, from: 1, obj2: "a1"},
	chmod2:       {action: "changed-file-permissions-of", objKind: "file", object: inPath, from: 2, obj2: "a2"},
	chown1:       {action: "changed-file-ownership-of", objKind: "file", object: inPath, from: 2, obj2: "a1"},
	fchown:       {action: "changed-file-ownership-of", objKind: "file", object: inPath, from: 1, obj2: "a1"},
	chown2:       {action: "changed-file-ownership-of", objKind: "file", object: inPath, from: 2, obj2: "a2"},
	attributes:   {action: "changed-file-attributes-of", objKind: "file", object: inPath, from: 2},
	fsetxattr:    {action: "changed-file-attributes-of", objKind: "file", object: inPath, from: 1},
	timestamps:   {action: "changed-timestamp-of", objKind: "file", object: inPath, from: 2},
	mount:        {action: "mounted", objKind: "file-system", object: inPath, from: 3, obj2At: 2},
	umount:       {action: "unmounted", objKind: "file-system", object: inPath, from: 2},
	execute:      {action: "executed", objKind: "file", object: inPath, from: 3},
	connect:      {action: "connected-to", objKind: "socket", object: inSocket},
	accept:       {action: "accepted-connection-from", objKind: "socket", object: inSocket},
	bind:         {action: "bound-socket", objKind: "socket", object: inSocket},
	send:         {action: "sent-to", objKind: "socket", object: inSocket},
	receive:      {action: "received-from", objKind: "socket", object: inSocket},
	memory:       {action: "allocated-memory-in", objKind: "memory", object: inComm},
	kill:         {action: "killed-pid", objKind: "process", object: inTarget},
	loadModule:   {action: "loaded-kernel-module", objKind: "file", object: inModule},
	unloadModule: {action: "unloaded-kernel-module", objKind: "file"},
	setTime:      {action: "changed-system-time", objKind: "system"},
	setName:      {action: "changed-system-name", objKind: "system"},
	setID:        {action: "changed-identity-of", objKind: "process", object: inProgram, obj2: "a0", byCall: true},
	setFSID:      {action: "changed-identity-of", objKind: "process", object: inProgram, byCall: true},
	schedule:     {action: "adjusted-scheduling-policy-of", objKind: "process", object: inProgram, byCall: true},
	security:     {action: "adjusted-security-policy-of", objKind: "process", object: inProgram, byCall: true},
	getSecurity:  {action: "retrieved-security-attr-of", objKind: "process", object: inProgram},
	listSecurity: {action: "listed-security-modules", objKind: "security-modules"},
}
