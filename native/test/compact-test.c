/* seccomp/compact.c: a shorter program that decides as the long one does. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>

#include "seccomp/compact.h"
#include "test/tap.h"

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define JUMP(operation, value, yes, no) BPF_JUMP(BPF_JMP | (operation) | BPF_K, (value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))

enum { NUMBERS = 400 };

/* x86-64: one comparison and one return for each number, as libseccomp writes them; the rest of the machines is killed. */
static size_t write_long(struct sock_filter *program, const unsigned int *results)
{
	size_t count = 0;

	program[count++] = (struct sock_filter)LOAD(arch);
	program[count++] = (struct sock_filter)JUMP(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0);
	program[count++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	program[count++] = (struct sock_filter)LOAD(nr);
	for (unsigned int number = 0; number < NUMBERS; number++) {
		program[count++] = (struct sock_filter)JUMP(BPF_JEQ, number, 0, 1);
		program[count++] = (struct sock_filter)RETURN(results[number]);
	}
	program[count++] = (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | EPERM);
	return count;
}

static bool decide_alike(const struct sock_filter *one, size_t one_count, const struct sock_filter *other, size_t other_count)
{
	static const unsigned int machines[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0 };

	for (size_t i = 0; i < 4; i++)
		for (unsigned int number = 0; number < NUMBERS + 10; number++)
			if (compact_decide(one, one_count, machines[i], number) != compact_decide(other, other_count, machines[i], number))
				return false;
	return compact_decide(one, one_count, AUDIT_ARCH_X86_64, 0xffffffff) == compact_decide(other, other_count, AUDIT_ARCH_X86_64, 0xffffffff);
}

static void test_runs(void)
{
	static struct sock_filter program[2 * NUMBERS + 8];
	static unsigned int results[NUMBERS];
	struct sock_filter *shorter = NULL;
	size_t count, shorter_count = 0;

	for (unsigned int number = 0; number < NUMBERS; number++)
		results[number] = number / 20 % 3 == 0 ? SECCOMP_RET_ALLOW : number / 20 % 3 == 1 ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ERRNO | ENOSYS;
	count = write_long(program, results);
	CHECK(compact(program, count, NULL, 0, &shorter, &shorter_count) == 0, "a program of runs is shortened");
	CHECK(shorter_count < 40, "to one comparison for each run");
	CHECK(decide_alike(program, count, shorter, shorter_count), "and decides alike");
	free(shorter);
}

static void test_decided(void)
{
	static struct sock_filter program[2 * NUMBERS + 8];
	static unsigned int results[NUMBERS];
	const struct decided decided = { AUDIT_ARCH_X86_64, 200 };
	struct sock_filter *shorter = NULL;
	size_t count, shorter_count = 0, whole = 0;

	for (unsigned int number = 0; number < NUMBERS; number++)
		results[number] = SECCOMP_RET_ALLOW;
	results[200] = SECCOMP_RET_ERRNO | EPERM;
	count = write_long(program, results);
	CHECK(compact(program, count, NULL, 0, &shorter, &whole) == 0 && decide_alike(program, count, shorter, whole), "an exception is kept");
	free(shorter);
	CHECK(compact(program, count, &decided, 1, &shorter, &shorter_count) == 0 && shorter_count < whole, "one that is decided before costs nothing");
	CHECK(compact_decide(shorter, shorter_count, AUDIT_ARCH_X86_64, 199) == SECCOMP_RET_ALLOW &&
	      compact_decide(shorter, shorter_count, AUDIT_ARCH_X86_64, 201) == SECCOMP_RET_ALLOW, "and its neighbours stay");
	free(shorter);
}

static void test_refused(void)
{
	static struct sock_filter wide[2 * NUMBERS + 8];
	static unsigned int results[NUMBERS];
	const struct sock_filter argument[] = { LOAD(args[0]), RETURN(SECCOMP_RET_ALLOW) };
	const struct sock_filter arithmetic[] = { LOAD(nr), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1), RETURN(SECCOMP_RET_ALLOW) };
	const struct sock_filter endless[] = { LOAD(nr) };
	struct sock_filter *shorter = NULL;
	size_t count;

	CHECK(compact(argument, 2, NULL, 0, &shorter, &count) == -EINVAL, "a program that looks at arguments is refused");
	CHECK(compact(arithmetic, 3, NULL, 0, &shorter, &count) == -EINVAL, "one that calculates");
	CHECK(compact(endless, 1, NULL, 0, &shorter, &count) == -EINVAL, "one that does not return");
	for (unsigned int number = 0; number < NUMBERS; number++)
		results[number] = number % 2 == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM;
	CHECK(compact(wide, write_long(wide, results), NULL, 0, &shorter, &count) == -E2BIG && shorter == NULL, "one whose jumps would reach too far");
}

/* 301 is allowed; 302 would begin what is refused, is decided before, and is compared with nowhere else. */
static void test_decided_at_a_boundary(void)
{
	static const struct sock_filter program[] = {
		LOAD(arch), JUMP(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0), RETURN(SECCOMP_RET_KILL_PROCESS), LOAD(nr),
		JUMP(BPF_JEQ, 301, 0, 1), RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_ERRNO | EPERM),
	};
	const struct decided decided = { AUDIT_ARCH_X86_64, 302 };
	struct sock_filter *shorter = NULL;
	size_t count = 0;

	CHECK(compact(program, sizeof(program) / sizeof(program[0]), &decided, 1, &shorter, &count) == 0, "a decided number where another result would begin");
	CHECK(compact_decide(shorter, count, AUDIT_ARCH_X86_64, 303) == (SECCOMP_RET_ERRNO | EPERM), "does not hide that result");
	free(shorter);
}

int main(void)
{
	test_runs();
	test_decided();
	test_decided_at_a_boundary();
	test_refused();
	return tap_end();
}
