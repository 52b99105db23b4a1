// storm makes audit events in a hurry: opens or execs, from several processes, under one uid.
//
//   storm open [-u UID] [-g GID] [-p PROCESSES] [-n PER_PROCESS] [-f FILE]
//   storm exec [-u UID] [-g GID] [-p PROCESSES] [-n PER_PROCESS] [-x BINARY] [-v]
//
// Every process calls openat(2) on FILE, or vfork(2) + execve(2) of BINARY, exactly PER_PROCESS times. The uid
// is taken on after all set-up, so a rule with -F uid=UID sees the storm's own calls and nothing else. A pipe holds
// the processes back until all are ready; the wall time counts from its release to the last exit.
//
// Each exec bears its own argument "P.I" (process and index, from 0) as argv[1], so that a reader can tell which
// ones it has seen. With -v the rest of the command line varies with I % 500 (tests/rig/storm.go says the same in Go):
//   0: an empty argument, then "after"      1: one argument of 7,499 bytes
//   2: UTF-8 and a byte that is not         3: 2,048 arguments in all
//   4: a newline, a quote and 0x1D          others: nothing more
//
// Prints one line of JSON: {"kind":"open","count":200000,"failed":0,"seconds":2.345}
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LONG_ARGUMENT = 7499, MANY_ARGUMENTS = 2048, VARIANTS = 500 };

struct options {
	int exec, variants;
	long uid, gid, processes, count;
	const char *file, *binary;
};

static void die(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

// fill_argv writes the command line of exec number i; argv has room for MANY_ARGUMENTS + 1 pointers.
static void fill_argv(char **argv, const char *binary, char *number, char *longer, long i, int variants)
{
	int n = 0;
	argv[n++] = (char *)binary;
	argv[n++] = number;
	switch (variants ? i % VARIANTS : VARIANTS) {
	case 0:
		argv[n++] = "";
		argv[n++] = "after";
		break;
	case 1:
		argv[n++] = longer;
		break;
	case 2:
		argv[n++] = "gr\xc3\xbc\xc3\x9f" "e \xe6\x97\xa5\xe6\x9c\xac \xff";
		break;
	case 3:
		while (n < MANY_ARGUMENTS)
			argv[n++] = "x";
		break;
	case 4:
		argv[n++] = "a\nb\"c\x1d" "d";
		break;
	}
	argv[n] = NULL;
}

static long execs(const struct options *o, long process)
{
	static char *argv[MANY_ARGUMENTS + 1], longer[LONG_ARGUMENT + 1];
	static char *envp[] = {NULL};
	char number[64];
	long failed = 0;

	memset(longer, 'L', LONG_ARGUMENT);
	for (long i = 0; i < o->count; i++) {
		snprintf(number, sizeof number, "%ld.%ld", process, i);
		fill_argv(argv, o->binary, number, longer, i, o->variants);
		int status;
		pid_t child = vfork();
		if (child == 0) {
			execve(o->binary, argv, envp);
			_exit(127);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
			failed++;
	}
	return failed;
}

static long opens(const struct options *o)
{
	long failed = 0;
	for (long i = 0; i < o->count; i++) {
		int fd = syscall(SYS_openat, AT_FDCWD, o->file, O_RDONLY, 0);
		if (fd < 0)
			failed++;
		else
			close(fd);
	}
	return failed;
}

static void run(const struct options *o, long process, int ready, int go, int done)
{
	if (o->gid >= 0 && (setgroups(0, NULL) || setresgid(o->gid, o->gid, o->gid)))
		die("set gid");
	if (o->uid >= 0 && setresuid(o->uid, o->uid, o->uid))
		die("set uid");
	char c = 0;
	if (write(ready, &c, 1) != 1)
		die("say ready");
	if (read(go, &c, 1) != 0)
		die("wait for the start");
	long failed = o->exec ? execs(o, process) : opens(o);
	if (write(done, &failed, sizeof failed) != sizeof failed)
		die("report");
	_exit(0);
}

static void parse(struct options *o, int argc, char **argv)
{
	int c;
	*o = (struct options){.uid = -1, .gid = -1, .processes = 1, .count = 1000, .file = "/etc/hostname", .binary = "/bin/true"};
	if (argc < 2 || (strcmp(argv[1], "open") && strcmp(argv[1], "exec"))) {
		fprintf(stderr, "storm: say open or exec first\n");
		exit(2);
	}
	o->exec = !strcmp(argv[1], "exec");
	optind = 2;
	while ((c = getopt(argc, argv, "u:g:p:n:f:x:v")) != -1)
		switch (c) {
		case 'u': o->uid = atol(optarg); break;
		case 'g': o->gid = atol(optarg); break;
		case 'p': o->processes = atol(optarg); break;
		case 'n': o->count = atol(optarg); break;
		case 'f': o->file = optarg; break;
		case 'x': o->binary = optarg; break;
		case 'v': o->variants = 1; break;
		default: exit(2);
		}
}

int main(int argc, char **argv)
{
	struct options o;
	parse(&o, argc, argv);

	int ready[2], go[2], done[2];
	if (pipe(ready) || pipe(go) || pipe(done))
		die("pipe");
	for (long p = 0; p < o.processes; p++) {
		pid_t child = fork();
		if (child < 0)
			die("fork");
		if (child == 0) {
			close(go[1]);
			run(&o, p, ready[1], go[0], done[1]);
		}
	}
	close(ready[1]);
	close(go[0]);
	close(done[1]);

	char c;
	for (long p = 0; p < o.processes; p++)
		if (read(ready[0], &c, 1) != 1)
			die("wait for the processes");
	double start = now();
	close(go[1]);
	long failed = 0, one, reports = 0;
	while (read(done[0], &one, sizeof one) == sizeof one) {
		failed += one;
		reports++;
	}
	double seconds = now() - start;
	while (wait(NULL) > 0)
		;
	printf("{\"kind\":\"%s\",\"count\":%ld,\"failed\":%ld,\"seconds\":%.6f}\n", o.exec ? "exec" : "open",
	       o.processes * o.count, failed, seconds);
	return failed || reports != o.processes;
}
