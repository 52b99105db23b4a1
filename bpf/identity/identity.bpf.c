//go:build ignore

/* Says who every process is: on fork, exec, exit and a move between cgroups, and for all that run when asked.
 *
 * Licence: this file and kernel.h may be used under the Apache licence 2.0 like the rest of Vigil, or under the MIT
 * licence or the GPL version 2; the kernel lends bpf_probe_read_kernel only to programs that say the latter.
 *
 * Only BTF tracepoints, an iterator and a ring buffer: they work where kprobes, fentry and LSM hooks are not allowed.
 * A process is its thread group: audit's pid= is the tgid, so threads come and go unseen.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

char _license[] SEC("license") = "Dual MIT/GPL";

enum kind {
	KIND_FORK = 1,
	KIND_EXEC,
	KIND_EXIT,
	KIND_MOVE, /* between cgroups */
	KIND_SEEN, /* by the iterator */
	KIND_PATH, /* a cgroup's path */
	KIND_GONE, /* a cgroup was removed */
};

#define MAX_CPUS 256 /* above, processors share their counters */
#define MAX_DEPTH 24
#define MAX_NAME 256 /* with its end; NAME_MAX is 255 */
#define NAMES 1000

/* record.go decodes this; numbers are in the machine's order. 0 means not known, but for kind, auid and session. */
struct record {
	__u16 kind;
	__u16 flags;
	__u32 pid;
	__u64 start;   /* start_boottime, ns: with pid, a process's identity until the next boot */
	__u64 clock;   /* CLOCK_MONOTONIC, ns */
	__u64 cgroup;  /* version 2: id; see cgroup_key */
	__u64 cgroup1; /* the first version 1 hierarchy where the process is not in the root */
	__u64 stamp;   /* fork, exec, move: the stamp that audit gave the system call that does it, CLOCK_REALTIME ns;
			* seen: start_time, CLOCK_MONOTONIC ns */
	__u32 ppid;
	__u32 creator; /* fork: who called it. Not the parent after CLONE_PARENT */
	__u32 nspid;   /* in its own pid namespace */
	__u32 exec_id;
	__u32 auid;
	__u32 session;
	__u32 pidns;
	__u32 mntns;
	__u32 netns;
	__u32 zero;
	char comm[16];
};

struct path {
	__u16 kind;
	__u16 flags; /* PATH_CUT */
	__u16 depth;
	__u16 length; /* of names that is used */
	__u64 key;
	__u64 clock;
	char names[NAMES]; /* leaf first, each ended by NUL; the root has none */
};

#define PATH_CUT 1

struct gone {
	__u16 kind;
	__u16 flags;
	__u32 zero;
	__u64 key;
	__u64 clock;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 19);
} ring SEC(".maps");

/* Paths that were sent already, with the number of renames before. Losing an entry costs sending it again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} sent SEC(".maps");

/* Set by the loader: which controllers have a version 1 hierarchy, and how full the ring is when it wakes its reader. */
const volatile bool v1_memory, v1_pids, v1_cpu, v1_devices, v1_freezer;
const volatile __u64 wake_at = 1 << 17;

struct counters {
	__u64 records; /* process records that did not fit */
	__u64 paths;
};

/* Read by the loader through mmap; counters.go mirrors it. */
struct {
	__u64 dropped; /* all of them: what a reader compares before it believes what it knows */
	struct counters cpu[MAX_CPUS];
} drops;

static __u32 renames;
static __u64 woken = ~0ULL;

static __always_inline void count_drop(bool path)
{
	__u32 cpu = bpf_get_smp_processor_id();

	/* In assembly: clang would bound a copy, and Linux 6.1 would not see that it did. */
	asm volatile("%0 &= 255" : "+r"(cpu));
	__sync_fetch_and_add(path ? &drops.cpu[cpu].paths : &drops.cpu[cpu].records, 1);
	__sync_fetch_and_add(&drops.dropped, 1);
}

/* A wake-up for each record would cost 20 us and halve the machine's exec rate. Whoever looks something up drains
 * first anyway, so the reader is only woken when the ring fills, and once for each position that it has read to. */
static __always_inline void submit(void *data)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > wake_at) {
		__u64 read = bpf_ringbuf_query(&ring, BPF_RB_CONS_POS);

		if (read != woken) {
			woken = read;
			flags = BPF_RB_FORCE_WAKEUP;
		}
	}
	bpf_ringbuf_submit(data, flags);
}

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *kn)
{
	struct kernfs_node___rcu *rcu = (void *)kn;

	if (bpf_core_field_exists(rcu->__parent))
		return rcu->__parent;
	return kn->parent;
}

/* Ids are unique within a hierarchy: its number goes on top. An id grows by one with each new cgroup, and by 2^32
 * when its lower half wraps, so it does not reach that far. */
static __always_inline __u64 cgroup_key(struct cgroup *cgrp)
{
	return (__u64)(__u32)cgrp->root->hierarchy_id << 56 | cgrp->kn->id;
}

/* Sends cgrp's path unless that was done. A path that does not fit now is sent with the next record. */
static __always_inline void send_path(struct cgroup *cgrp, __u64 key)
{
	__u32 *done = bpf_map_lookup_elem(&sent, &key), version = renames;
	struct kernfs_node *kn;
	struct path *p;
	__u32 used = 0;
	int depth;

	if (done && *done == version)
		return;
	p = bpf_ringbuf_reserve(&ring, sizeof(*p), 0);
	if (!p) {
		count_drop(true);
		return;
	}
	p->kind = KIND_PATH;
	p->flags = 0;
	p->key = key;
	p->clock = bpf_ktime_get_ns();
	kn = cgrp->kn;
	for (depth = 0; depth < MAX_DEPTH; depth++) {
		struct kernfs_node *up = parent_of(kn);
		long n;

		if (!up)
			break;
		if (used > NAMES - MAX_NAME)
			goto cut;
		n = bpf_probe_read_kernel_str(&p->names[used], MAX_NAME, kn->name);
		if (n <= 0)
			goto cut;
		used += n;
		kn = up;
	}
	if (depth == MAX_DEPTH)
cut:
		p->flags = PATH_CUT;
	p->depth = depth;
	p->length = used;
	submit(p);
	bpf_map_update_elem(&sent, &key, &version, BPF_ANY);
}

/* The cgroup of set in the version 1 hierarchy of the controller with number id; NULL for the root. */
static __always_inline struct cgroup *v1_cgroup(struct css_set *set, __u64 id)
{
	struct cgroup_subsys_state **slot = (void *)set + bpf_core_field_offset(set->subsys) + id * sizeof(void *);
	struct cgroup *cgrp = (*slot)->cgroup;

	if (cgrp->level == 0 || cgrp->root->hierarchy_id == 0)
		return 0;
	return cgrp;
}

/* A runtime puts its process into every hierarchy, but a controller may be absent, or left out by the runtime: take
 * the first that says something. */
#define TRY_V1(set, name)                                                                                     \
	if (v1_##name && bpf_core_enum_value_exists(enum cgroup_subsys_id, name##_cgrp_id)) {                 \
		struct cgroup *cgrp = v1_cgroup(set, bpf_core_enum_value(enum cgroup_subsys_id, name##_cgrp_id)); \
		if (cgrp)                                                                                     \
			return cgrp;                                                                          \
	}

static __always_inline struct cgroup *any_v1_cgroup(struct css_set *set)
{
	TRY_V1(set, memory);
	TRY_V1(set, pids);
	TRY_V1(set, cpu);
	TRY_V1(set, devices);
	TRY_V1(set, freezer);
	return 0;
}

/* What a process's cgroups are called. */
struct keys {
	__u64 cgroup;
	__u64 cgroup1;
};

static __always_inline struct keys keys_of(struct css_set *set, bool send)
{
	struct cgroup *v1 = any_v1_cgroup(set);
	struct keys keys = {cgroup_key(set->dfl_cgrp), v1 ? cgroup_key(v1) : 0};

	if (send) {
		send_path(set->dfl_cgrp, keys.cgroup);
		if (v1)
			send_path(v1, keys.cgroup1);
	}
	return keys;
}

static __always_inline void fill_pid(struct record *r, struct task_struct *task)
{
	struct pid *pid = task->thread_pid;
	__u32 level = pid->level;
	struct upid upid = {};
	__u64 address = 0;

	if (level == 0) { /* of the initial namespace: no arithmetic, no helper */
		r->nspid = pid->numbers[0].nr;
		r->pidns = pid->numbers[0].ns->ns.inum;
		return;
	}
	/* As a number: Linux 6.1 lets nobody add an unknown level to a pointer. */
	bpf_core_read(&address, sizeof(address), &task->thread_pid);
	address += bpf_core_field_offset(pid->numbers) + (__u64)level * bpf_core_type_size(struct upid);
	bpf_probe_read_kernel(&upid, sizeof(upid), (void *)address);
	r->nspid = upid.nr;
	r->pidns = 0;
	bpf_core_read(&r->pidns, sizeof(r->pidns), &upid.ns->ns.inum);
}

static __always_inline __u64 nanoseconds(struct timespec64 *t)
{
	return (__u64)t->tv_sec * 1000000000 + (__u64)t->tv_nsec;
}

/* The stamp that audit prints with the system call that the task is in: the coarse clock as it was at entry.
 * Nothing that this call brings about can bear an older stamp, which is what makes it worth sending. */
static __always_inline __u64 audit_stamp(struct task_struct *task)
{
	struct audit_context *ctx;
	struct audit_context___old *old;
	struct audit_context___stamp *stamped;

	if (!bpf_core_field_exists(task->audit_context))
		return 0;
	ctx = task->audit_context;
	if (!ctx)
		return 0;
	old = (void *)ctx;
	stamped = (void *)ctx;
	if (bpf_core_field_exists(ctx->context)) {
		if (ctx->context == AUDIT_CTX_UNUSED)
			return 0;
	} else if (bpf_core_field_exists(old->in_syscall) && !old->in_syscall) {
		return 0;
	}
	if (bpf_core_field_exists(stamped->stamp))
		return nanoseconds(&stamped->stamp.ctime);
	if (bpf_core_field_exists(ctx->ctime))
		return nanoseconds(&ctx->ctime);
	return 0;
}

static __always_inline void fill_core(struct record *r, __u16 kind, struct task_struct *task, struct keys keys)
{
	r->kind = kind;
	r->flags = 0;
	r->pid = task->tgid;
	r->start = task->start_boottime;
	r->clock = bpf_ktime_get_ns();
	r->cgroup = keys.cgroup;
	r->cgroup1 = keys.cgroup1;
	r->stamp = 0;
	r->exec_id = task->self_exec_id;
}

static __always_inline void fill(struct record *r, __u16 kind, struct task_struct *task, struct keys keys)
{
	struct nsproxy *ns = task->nsproxy;

	fill_core(r, kind, task, keys);
	r->ppid = task->real_parent->tgid;
	r->creator = 0;
	r->auid = r->session = ~0U;
	if (bpf_core_field_exists(task->loginuid))
		r->auid = task->loginuid.val;
	if (bpf_core_field_exists(task->sessionid))
		r->session = task->sessionid;
	r->mntns = r->netns = 0;
	if (ns) { /* a zombie has none */
		r->mntns = ns->mnt_ns->ns.inum;
		r->netns = ns->net_ns->ns.inum;
	}
	r->zero = 0;
	__builtin_memcpy(r->comm, task->comm, sizeof(r->comm));
	fill_pid(r, task);
}

static __always_inline struct record *reserve(void)
{
	struct record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

	if (!r)
		count_drop(false);
	return r;
}

/* kernel_clone calls this before the child is woken: nothing the child does is older. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct record *r;
	struct keys keys;

	if (child->pid != child->tgid)
		return 0;
	/* In its parent's cgroups, as nearly always, the paths have gone out with the parent. */
	if (child->cgroups != parent->cgroups)
		keys = keys_of(child->cgroups, true);
	else
		keys = keys_of(child->cgroups, false);
	r = reserve();
	if (!r)
		return 0;
	fill(r, KIND_FORK, child, keys);
	r->creator = parent->tgid;
	r->stamp = audit_stamp(parent);
	submit(r);
	return 0;
}

/* begin_new_exec has made task its group's leader by now. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	struct keys keys = keys_of(task->cgroups, true);
	struct record *r = reserve();

	if (!r)
		return 0;
	fill(r, KIND_EXEC, task, keys);
	r->stamp = audit_stamp(task);
	submit(r);
	return 0;
}

/* do_exit has taken the thread off signal->live: nobody is left when that is 0. Two last threads may both see it. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct record *r;

	if (task->signal->live.counter > 0)
		return 0;
	r = reserve();
	if (!r)
		return 0;
	task = task->group_leader;
	fill_core(r, KIND_EXIT, task, keys_of(task->cgroups, false)); /* the rest is of no use any more */
	submit(r);
	return 0;
}

/* Single threads may be moved too; a process is where its leader is. */
static __always_inline int moved(struct task_struct *task)
{
	struct record *r;
	struct keys keys;

	if (task->pid != task->tgid)
		return 0;
	keys = keys_of(task->cgroups, true);
	r = reserve();
	if (!r)
		return 0;
	fill(r, KIND_MOVE, task, keys);
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		r->stamp = audit_stamp(bpf_get_current_task_btf()); /* whoever moves it */
	submit(r);
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_attach, struct cgroup *dst, const char *path, struct task_struct *task)
{
	return moved(task);
}

SEC("tp_btf/cgroup_transfer_tasks")
int BPF_PROG(on_transfer, struct cgroup *dst, const char *path, struct task_struct *task)
{
	return moved(task);
}

/* Nobody can enter a removed cgroup: its path is remembered no longer than by what still refers to it. */
SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(on_rmdir, struct cgroup *cgrp)
{
	struct gone *g = bpf_ringbuf_reserve(&ring, sizeof(*g), 0);

	if (!g) {
		count_drop(true);
		return 0;
	}
	g->kind = KIND_GONE;
	g->flags = 0;
	g->zero = 0;
	g->key = cgroup_key(cgrp);
	g->clock = bpf_ktime_get_ns();
	submit(g);
	return 0;
}

/* Version 1 lets directories be renamed: every path may be another, so each is sent again when next needed. */
SEC("tp_btf/cgroup_rename")
int BPF_PROG(on_rename, struct cgroup *cgrp)
{
	__sync_fetch_and_add(&renames, 1);
	return 0;
}

/* Writes a byte for each process that it puts into the ring, so that the reader's buffer size says how many come
 * between two of its reads. */
SEC("iter/task")
int all_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	struct record *r;
	struct keys keys;
	char mark = '.';

	if (!task || task->pid != task->tgid || task->signal->live.counter <= 0)
		return 0;
	keys = keys_of(task->cgroups, true);
	r = reserve();
	if (!r)
		return 0;
	fill(r, KIND_SEEN, task, keys);
	r->stamp = task->start_time;
	submit(r);
	bpf_seq_write(seq, &mark, sizeof(mark));
	return 0;
}
