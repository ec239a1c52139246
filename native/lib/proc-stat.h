/* What /proc/PID/stat and /proc/PID/status tell of a process (proc(5)); pure. A process chooses its own name, which may look like anything, also like more of the file. */
#ifndef WARDEN_PROC_STAT_H
#define WARDEN_PROC_STAT_H

#include <stddef.h>
#include <stdint.h>

/* USER_HZ, which is part of the kernel's interface. */
enum { PROC_STAT_TICKS_PER_S = 100 };

struct proc_stat {
	uint32_t pid;
	uint32_t parent;           /* 0: it is not one of the same namespace */
	uint32_t session;
	uint32_t threads;          /* of one that has ended and waits for its parent: 1 */
	char state;                /* R, S, D, Z, T and others: a letter */
	uint64_t cpu_ticks;        /* in user and kernel mode together */
	uint64_t start_ticks;      /* since the machine started */
	const char *name;          /* within the text */
	size_t name_size;
};

/* 0, or -1 when the text is not one of such a file. The text ends in NUL, which `size` does not count. */
int proc_stat_read(const char *text, size_t size, struct proc_stat *ret_stat);

struct proc_status {
	uint32_t uid;              /* the effective one */
	uint64_t resident_kib;     /* exact, which what stat has is not; 0: it has ended */
};

/* 0, or -1 when there is no user in it. */
int proc_status_read(const char *text, struct proc_status *ret_status);

#endif
