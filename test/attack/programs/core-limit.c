/*
 * Tries to set RLIMIT_CORE to 0 by every call there is, for itself and for a child, and prints "HOW SOFT HARD" with what is in force
 * afterwards. Each try is a process of its own, so that one does not hide another.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rlimit *zero;   /* below 4 GiB, so that an i386 call can name it */

static long call_i386(long number, long a, long b, long c, long d)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d) : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static void by_setrlimit(pid_t pid) { (void)pid; syscall(SYS_setrlimit, RLIMIT_CORE, zero); }
static void by_prlimit(pid_t pid) { syscall(SYS_prlimit64, pid, RLIMIT_CORE, zero, NULL); }
static void by_prlimit_with_old(pid_t pid)
{
	struct rlimit old;

	syscall(SYS_prlimit64, pid, RLIMIT_CORE, zero, &old);
}
/* The kernel ignores the upper halves of the first two arguments: numbers that a filter could take for another resource, or for the key. */
static void by_upper_halves(pid_t pid)
{
	static const unsigned long halves[] = { 1, 0x9d3fc0a1, 0x6b81e7d5, 0xffffffff };

	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 4; j++)
			syscall(SYS_prlimit64, halves[i] << 32 | (unsigned)pid, halves[j] << 32 | RLIMIT_CORE, zero, NULL);
}
static void by_setrlimit_upper(pid_t pid) { (void)pid; syscall(SYS_setrlimit, 7ul << 32 | RLIMIT_CORE, zero); }
static void by_setrlimit_i386(pid_t pid) { (void)pid; call_i386(75, RLIMIT_CORE, (long)zero, 0, 0); }
static void by_prlimit_i386(pid_t pid) { call_i386(340, pid, RLIMIT_CORE, (long)zero, 0); }

static const struct { const char *name; void (*set)(pid_t); int other; } tries[] = {
	{ "setrlimit", by_setrlimit, 0 }, { "setrlimit-upper", by_setrlimit_upper, 0 }, { "setrlimit-i386", by_setrlimit_i386, 0 },
	{ "prlimit", by_prlimit, 0 }, { "prlimit-old", by_prlimit_with_old, 0 }, { "prlimit-upper", by_upper_halves, 0 }, { "prlimit-i386", by_prlimit_i386, 0 },
	{ "child-prlimit", by_prlimit, 1 }, { "child-old", by_prlimit_with_old, 1 }, { "child-upper", by_upper_halves, 1 }, { "child-i386", by_prlimit_i386, 1 },
};

static void try_one(int index)
{
	struct rlimit limit;
	pid_t target = 0;

	if (tries[index].other) {
		target = fork();
		if (target == 0) {
			pause();
			_exit(0);
		}
	}
	tries[index].set(target);
	syscall(SYS_prlimit64, target, RLIMIT_CORE, NULL, &limit);
	printf("%s %llu %llu\n", tries[index].name, (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
	fflush(stdout);
	if (target > 0) {
		kill(target, SIGKILL);
		waitpid(target, NULL, 0);
	}
	_exit(0);
}

int main(void)
{
	zero = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (zero == MAP_FAILED)
		return 1;
	for (int i = 0; i < (int)(sizeof(tries) / sizeof(tries[0])); i++) {
		pid_t pid = fork();

		if (pid == 0)
			try_one(i);
		waitpid(pid, NULL, 0);
	}
	return 0;
}
