/*
 * Hands auditd records from a file instead of the kernel, so that what it makes
 * of them can be seen without touching the machine's audit engine: a few
 * functions of libaudit, to be loaded before it.
 *
 * A line of the file is a record: its type's number, a space, its text. auditd
 * gets it as event number LINE of time 1.001.
 *
 *	cc -shared -fPIC -o shim.so auditd.c
 *	RECORDS=records.txt LD_PRELOAD=./shim.so auditd -f -s nochange -c DIR
 */
#define _GNU_SOURCE
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* struct audit_reply of libaudit.h, as far as auditd looks at it. */
struct reply {
	int type, len;
	struct nlmsghdr *nlh;
	struct {
		struct nlmsghdr nlh;
		char data[8970];
	} msg;
	const char *message;
};

static FILE *records;

int audit_open(void)
{
	int fd[2];

	records = fopen(getenv("RECORDS"), "r");
	if (!records || socketpair(AF_UNIX, SOCK_STREAM, 0, fd) || write(fd[1], "", 1) != 1)
		_exit(90);
	return fd[0]; /* always readable */
}

int audit_get_reply(int fd, struct reply *r, int block, int peek)
{
	static char *line;
	static size_t size;
	static int number;
	char *text;
	ssize_t n = getline(&line, &size, records);

	if (n <= 0) {
		fflush(NULL);
		_exit(0);
	}
	if (line[n - 1] == '\n')
		line[n - 1] = 0;
	r->type = strtol(line, &text, 10);
	n = snprintf(r->msg.data, sizeof(r->msg.data), "audit(1.001:%d):%s", ++number, text);
	r->len = n < (ssize_t)sizeof(r->msg.data) ? n : (ssize_t)sizeof(r->msg.data) - 1;
	r->nlh = &r->msg.nlh;
	r->nlh->nlmsg_type = r->type;
	r->nlh->nlmsg_len = r->len;
	r->message = r->msg.data;
	return r->len;
}

int audit_is_enabled(int fd) { return 1; }
int audit_set_enabled(int fd, uint32_t enabled) { return 1; }
int audit_set_pid(int fd, uint32_t pid, int wait) { return 1; }
int audit_request_signal_info(int fd) { return 1; }
