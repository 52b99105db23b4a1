// crowd LIVE SHORT: makes LIVE processes that stay, then SHORT ones that each live a millisecond, 32 at a time. Says
// "ready" and "done" on the way, and ends all of them when its input ends.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	kill(0, SIGKILL);
	exit(1);
}

int main(int argc, char **argv)
{
	int live = atoi(argv[1]), brief = atoi(argv[2]), running = 0;
	struct timespec begin, end, ms = {0, 1000000};
	char c;

	setpgid(0, 0);
	for (int i = 0; i < live; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
	puts("ready");
	fflush(stdout);
	/* By a child: wait(2) looks at every child that its caller has. */
	pid_t maker = fork();

	if (maker < 0)
		die("fork");
	if (maker > 0) {
		waitpid(maker, NULL, 0);
		while (read(0, &c, 1) > 0)
			;
		kill(0, SIGKILL);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < brief; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			nanosleep(&ms, NULL);
			_exit(0);
		}
		if (++running == 32) {
			wait(NULL);
			running--;
		}
	}
	while (running-- > 0)
		wait(NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("done %f\n", (end.tv_sec - begin.tv_sec) + (end.tv_nsec - begin.tv_nsec) / 1e9);
	fflush(stdout);
	return 0;
}
