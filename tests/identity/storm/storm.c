// storm makes processes whose identity the test knows: workers, each in a cgroup of its own, that execute a program two
// at a time at full rate. Each exec's argv says which worker made it.
//
// storm FILE COUNT UID PID PROGRAM CGROUP...
//   FILE    gets a struct entry for each exec
//   COUNT   execs of each worker
//   UID     whose the execs are
//   PID     0, or the one pid that every child is to have (clone3 set_tid), so that it is reused at once
//   CGROUP  folders, separated by commas, whose cgroup.procs the worker joins
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct entry {
	uint32_t pid;
	uint32_t worker;
	uint64_t stamp; // the coarse clock before the exec, as audit takes it
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void join(const char *folders)
{
	char list[16384], *folder, *rest = list;

	snprintf(list, sizeof(list), "%s", folders);
	while ((folder = strsep(&rest, ","))) {
		char file[4096];
		int fd;

		snprintf(file, sizeof(file), "%s/cgroup.procs", folder);
		fd = open(file, O_WRONLY);
		if (fd < 0 || write(fd, "0", 1) != 1)
			die(file);
		close(fd);
	}
}

static pid_t fork_as(pid_t pid)
{
	pid_t set = pid;
	struct clone_args args = {.exit_signal = SIGCHLD};
	long child;

	if (pid) {
		args.set_tid = (uint64_t)(uintptr_t)&set;
		args.set_tid_size = 1;
	}
	do
		child = syscall(SYS_clone3, &args, sizeof(args));
	while (child < 0 && errno == EEXIST); // the other worker's child has it
	return child;
}

int main(int argc, char **argv)
{
	int count = atoi(argv[2]), uid = atoi(argv[3]), pid = atoi(argv[4]), workers = argc - 6, turns[2], status, bad = 0;
	const char *program = argv[5];
	size_t size = (size_t)workers * count * sizeof(struct entry);
	struct entry *entries;
	struct timespec begin, end;
	int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || ftruncate(fd, size) || pipe(turns))
		die(argv[1]);
	entries = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (entries == MAP_FAILED)
		die("mmap");
	for (int w = 0; w < workers; w++) {
		pid_t worker = fork();

		if (worker < 0)
			die("fork");
		if (worker)
			continue;
		join(argv[6 + w]);
		for (int i = 0; i < count; i++) {
			struct entry *e = &entries[(size_t)w * count + i];
			char turn, arg[32];
			pid_t child;

			if (i % 25 == 0 && read(turns[0], &turn, 1) != 1)
				die("read turn");
			snprintf(arg, sizeof(arg), "%d.%d", w, i);
			child = fork_as(pid);
			if (child < 0)
				die("clone3");
			if (child == 0) {
				char *child_argv[] = {"tiny", arg, NULL}, *child_env[] = {NULL};
				struct timespec now;

				if (setresuid(uid, uid, uid))
					_exit(1);
				e->worker = w;
				e->pid = syscall(SYS_getpid);
				clock_gettime(CLOCK_REALTIME_COARSE, &now);
				e->stamp = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
				execve(program, child_argv, child_env);
				_exit(1);
			}
			if (waitpid(child, &status, 0) < 0 || status)
				die("exec");
			if (i % 25 == 24 || i == count - 1)
				if (write(turns[1], "t", 1) != 1)
					die("pass turn");
		}
		_exit(0);
	}
	usleep(200000); // the workers join their cgroups
	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (write(turns[1], "tt", 2) != 2)
		die("start");
	for (int w = 0; w < workers; w++) {
		if (wait(&status) < 0 || status)
			bad = 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%f\n", (end.tv_sec - begin.tv_sec) + (end.tv_nsec - begin.tv_nsec) / 1e9);
	return bad;
}
