package ausearch

// usage is what --help says: stock's options in stock's order.
const usage = `usage: ausearch [options]
	-a,--event <event id>		events with that serial number
	--arch <CPU>			system calls of that architecture
	-c,--comm <name>		events of processes whose name has that in it
	--checkpoint <file>		go on behind the last event of the last run, which is kept in the file
	--debug				say on standard error which events are malformed and therefore skipped
	-e,--exit <number or errno>	system calls that returned that
	--escape <raw|tty|shell|shell_quote>	which bytes of the output are escaped
	--eoe-timeout <seconds>		how long an event waits for further records
	--extra-keys			csv: a last column with the key
	--extra-labels			csv: columns with the labels of subject and object
	--extra-obj2			csv: a column with a second object
	--extra-time			csv: columns with the parts of the time
	-f,--file <name>		events about files or sockets whose name has that in it
	--format <raw|default|interpret|csv|text>	how to print
	-ga,--gid-all <group>		gid or egid is that group
	-ge,--gid-effective <group>	egid is that group
	-gi,--gid <group>		gid is that group
	-h,--help			this text
	-hn,--host <name>		events about a remote host whose name or address has that in it
	-i,--interpret			print names for numbers
	-if,--input <file or directory>	read that instead of auditd's log
	--input-logs			read auditd's log even if standard input is a pipe
	--just-one			stop after the first event
	-k,--key <key>			events of rules whose key has that in it
	-l,--line-buffered		flush the output after each event
	-m,--message <type,...>		events with a record of one of the types; without types: list them
	-n,--node <name>		events of that machine; may be given several times
	-o,--object <label>		the object's label has that in it
	-p,--pid <number>		events of that process
	-pp,--ppid <number>		events of that process's children
	-r,--raw			print the lines as they are
	-sc,--syscall <name or number>	events of that system call
	-se,--context <label>		the subject's or the object's label has that in it
	--session <number>		events of that login session
	-su,--subject <label>		the subject's label has that in it
	-sv,--success <yes|no>		events with that result
	-te,--end [date] [time]		no events after that
	-ts,--start [date] [time]	no events before that; also: now recent this-hour boot today
					yesterday this-week week-ago this-month this-year checkpoint
	-tm,--terminal <name>		events on a terminal whose name has that in it
	-ua,--uid-all <user>		uid, euid or auid is that user
	-ue,--uid-effective <user>	euid is that user
	-ui,--uid <user>		uid is that user
	-ul,--loginuid <user>		auid is that user
	-uu,--uuid <uuid>		events about the virtual machine with that UUID
	-v,--version			the version of audit whose ausearch this is
	-vm,--vm-name <name>		events about the virtual machine of that name
	-w,--word			texts must be equal: to have that in them is not enough
	-x,--executable <path>		events of programs whose path has that in it
`
