/*
 * Tries every call that makes a file with the set-user-id bit, or gives it to one, in the directory given: by both system call tables. The
 * strings are static, so that their addresses fit into 32 bits for the second. Prints `CALL MODE` for each file that has the bit afterwards, and
 * in the end `tried N`.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static char name[] = "set-id-probe";
static struct { unsigned long long flags, mode, resolve; } how = { O_CREAT | O_WRONLY, 04755, 0 };
static int tried;

static long call32(long number, long a, long b, long c, long d)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d) : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static void plain(void)
{
	close(open(name, O_CREAT | O_WRONLY, 0755));
}

static int descriptor(void)
{
	plain();
	return open(name, O_RDONLY);
}

static void report(const char *what)
{
	struct stat status;
	tried++;
	if (stat(name, &status) == 0 && (status.st_mode & 06000) != 0)
		printf("%s %o\n", what, status.st_mode & 07777);
	unlink(name);
}

/* Without a name until it is linked: O_TMPFILE. */
static void unnamed(void)
{
	char path[64];
	int fd = (int)syscall(SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_WRONLY, 04755);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd >= 0 && linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0)
		perror("linkat");
	close(fd);
}

int main(int argc, char **argv)
{
	long at = AT_FDCWD, string = (long)name;
	umask(0);
	if (argc != 2 || chdir(argv[1]) < 0)
		return 2;
	syscall(SYS_open, name, O_CREAT | O_WRONLY, 04755); report("open");
	syscall(SYS_creat, name, 02755); report("creat");
	syscall(SYS_openat, AT_FDCWD, name, O_CREAT | O_WRONLY, 06755); report("openat");
	syscall(437, AT_FDCWD, name, &how, sizeof how); report("openat2");
	unnamed(); report("O_TMPFILE");
	plain(); syscall(SYS_chmod, name, 04755); report("chmod");
	syscall(SYS_fchmod, descriptor(), 04755); report("fchmod");
	plain(); syscall(SYS_fchmodat, AT_FDCWD, name, 04755); report("fchmodat");
	plain(); syscall(452, AT_FDCWD, name, 04755, 0); report("fchmodat2");
	syscall(SYS_mknod, name, S_IFREG | 04755, 0); report("mknod");
	syscall(SYS_mknodat, AT_FDCWD, name, S_IFREG | 04755, 0); report("mknodat");
	call32(5, string, O_CREAT | O_WRONLY, 04755, 0); report("open32");
	call32(8, string, 04755, 0, 0); report("creat32");
	call32(295, at, string, O_CREAT | O_WRONLY, 04755); report("openat32");
	call32(437, at, string, (long)&how, sizeof how); report("openat2 32");
	plain(); call32(15, string, 04755, 0, 0); report("chmod32");
	call32(94, descriptor(), 04755, 0, 0); report("fchmod32");
	plain(); call32(306, at, string, 04755, 0); report("fchmodat32");
	plain(); call32(452, at, string, 04755, 0); report("fchmodat2 32");
	call32(14, string, S_IFREG | 04755, 0, 0); report("mknod32");
	call32(297, at, string, S_IFREG | 04755, 0); report("mknodat32");
	printf("tried %d\n", tried);
	return 0;
}
