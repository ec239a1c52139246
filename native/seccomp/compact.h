#ifndef WARDEN_SECCOMP_COMPACT_H
#define WARDEN_SECCOMP_COMPACT_H

#include <linux/filter.h>
#include <stddef.h>

/* A call that has been decided before the program is reached. */
struct decided {
	unsigned int architecture;
	unsigned int number;
};

/*
 * The same decisions in a fourth of the instructions. libseccomp writes a comparison and a return for every number; neighbours that are decided alike
 * need one comparison for all of them. Loading a filter costs by its length, and every create loads one.
 *
 * program: decides by architecture and number alone, but for calls in `decided`, whatever it says of those. *ret_program: the caller's to free. Before it is returned both have been run on every number at
 * which a decision can change, and on those beside it; a difference is an error.
 * Errors, as negative errno: EINVAL a program that looks at arguments or uses what is not understood; E2BIG; ENOMEM.
 */
int compact(const struct sock_filter *program, size_t count, const struct decided *decided, size_t decided_count, struct sock_filter **ret_program, size_t *ret_count);

/* What a program answers to a call, without running it in the kernel: a SECCOMP_RET_* value, or a negative errno as above. */
long long compact_decide(const struct sock_filter *program, size_t count, unsigned int architecture, unsigned int number);

#endif
