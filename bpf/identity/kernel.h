/* The few kernel types that identity.bpf.c reads, with only the members it reads. Every access is relocated at load
 * time against the running kernel's BTF (CO-RE), so neither offsets nor the order of members matter here: names do.
 * A type whose members differ between kernels is declared once per flavour: what follows ___ is not part of its name.
 */
#ifndef VIGIL_IDENTITY_KERNEL_H
#define VIGIL_IDENTITY_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0

/* <linux/bpf.h> */
enum {
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_ANY = 0,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
	BPF_RB_CONS_POS = 2,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158, /* since 5.11 */
};

/* <linux/cgroup_subsys.h>: the numbers depend on the kernel's configuration and are relocated. */
enum cgroup_subsys_id {
	cpu_cgrp_id,
	memory_cgrp_id,
	devices_cgrp_id,
	freezer_cgrp_id,
	pids_cgrp_id,
};

struct kernfs_node {
	struct kernfs_node *parent; /* before 6.15 */
	const char *name;
	__u64 id;
};

struct kernfs_node___rcu {
	struct kernfs_node *__parent; /* 6.15 and later */
};

struct cgroup_root {
	int hierarchy_id; /* 0 is version 2's */
};

struct cgroup {
	int level; /* 0 for a hierarchy's root */
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[1]; /* CGROUP_SUBSYS_COUNT of them */
	struct cgroup *dfl_cgrp;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct net {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1]; /* level + 1 of them */
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

typedef struct {
	unsigned int val;
} kuid_t;

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

/* kernel/audit.h */
struct audit_context {
	enum {
		AUDIT_CTX_UNUSED,
		AUDIT_CTX_SYSCALL,
		AUDIT_CTX_URING,
	} context;
	struct timespec64 ctime; /* until it moved into stamp */
};

struct audit_context___old {
	int in_syscall; /* before 5.16, in place of context */
};

struct audit_stamp {
	struct timespec64 ctime;
};

struct audit_context___stamp {
	struct audit_stamp stamp; /* the later home of ctime */
};

struct task_struct {
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	__u64 start_time;
	__u64 start_boottime;
	char comm[16];
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct audit_context *audit_context;
	kuid_t loginuid;
	unsigned int sessionid;
	__u64 self_exec_id;
	struct css_set *cgroups;
};

struct linux_binprm;
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
};

#pragma clang attribute pop

#endif
