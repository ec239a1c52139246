#include "wsh/set-id-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By number, because this program also judges calls of i386, which no header of this architecture has. */
enum { OPENAT2 = 437 };

/* A call with a mode among its arguments. */
struct call {
	uint32_t number;
	int mode;    /* which argument */
	int flags;   /* the one that says whether the call makes a file, else the mode is whatever the register held; -1: it always counts */
};

struct architecture {
	uint32_t name;
	struct call calls[9];
};

/* open creat openat chmod fchmod fchmodat fchmodat2 mknod mknodat. mkdir takes no such bits from its caller (vfs_mkdir). */
static const struct architecture architectures[] = {
	{ AUDIT_ARCH_X86_64, { { 2, 2, 1 }, { 85, 1, -1 }, { 257, 3, 2 }, { 90, 1, -1 }, { 91, 1, -1 }, { 268, 2, -1 }, { 452, 2, -1 }, { 133, 1, -1 }, { 259, 2, -1 } } },
	{ AUDIT_ARCH_I386, { { 5, 2, 1 }, { 8, 1, -1 }, { 295, 3, 2 }, { 15, 1, -1 }, { 94, 1, -1 }, { 306, 2, -1 }, { 452, 2, -1 }, { 14, 1, -1 }, { 297, 2, -1 } } },
};

#define ARGUMENT(number) (offsetof(struct seccomp_data, args) + 8 * (size_t)(number))
/* O_TMPFILE without O_DIRECTORY, which it is made with. */
#define MAKES_FILE ((uint32_t)O_CREAT | ((uint32_t)O_TMPFILE & ~(uint32_t)O_DIRECTORY))

struct program {
	struct sock_filter *instructions;
	size_t count, room;
};

static void add(struct program *program, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
	if (program->count < program->room)
		program->instructions[program->count] = (struct sock_filter)BPF_JUMP(code, value, yes, no);
	program->count++;
}

static void load(struct program *program, size_t offset)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void give(struct program *program, uint32_t answer)
{
	add(program, BPF_RET | BPF_K, answer, 0, 0);
}

/* The number is loaded when it begins, and when another call's follows. Distances count from the next instruction. */
static void judge_call(struct program *program, const struct call *call)
{
	bool conditional = call->flags >= 0;

	add(program, BPF_JMP | BPF_JEQ | BPF_K, call->number, 0, conditional ? 6 : 4);
	if (conditional) {
		load(program, ARGUMENT(call->flags));
		add(program, BPF_JMP | BPF_JSET | BPF_K, MAKES_FILE, 0, 3);
	}
	load(program, ARGUMENT(call->mode));
	add(program, BPF_JMP | BPF_JSET | BPF_K, S_ISUID | S_ISGID, 0, 1);
	give(program, SECCOMP_RET_ERRNO | EPERM);
	give(program, SECCOMP_RET_ALLOW);
}

static void judge_openat2(struct program *program, const uint32_t key[2])
{
	add(program, BPF_JMP | BPF_JEQ | BPF_K, OPENAT2, 0, 6);
	load(program, ARGUMENT(4));
	add(program, BPF_JMP | BPF_JEQ | BPF_K, key[0], 0, 3);
	load(program, ARGUMENT(5));
	add(program, BPF_JMP | BPF_JEQ | BPF_K, key[1], 0, 1);
	give(program, SECCOMP_RET_ALLOW);
	give(program, SECCOMP_RET_ERRNO | ENOSYS);
}

size_t set_id_filter_write(struct sock_filter *ret_program, size_t room, const uint32_t key[2])
{
	struct program program = { .instructions = ret_program, .room = room };

	for (size_t i = 0; i < sizeof(architectures) / sizeof(architectures[0]); i++) {
		const struct architecture *architecture = &architectures[i];
		size_t jump;

		load(&program, offsetof(struct seccomp_data, arch));
		jump = program.count;
		add(&program, BPF_JMP | BPF_JEQ | BPF_K, architecture->name, 0, 0);
		load(&program, offsetof(struct seccomp_data, nr));
		for (size_t j = 0; j < sizeof(architecture->calls) / sizeof(architecture->calls[0]); j++)
			judge_call(&program, &architecture->calls[j]);
		judge_openat2(&program, key);
		give(&program, SECCOMP_RET_ALLOW);
		if (jump < room)
			ret_program[jump].jf = (uint8_t)(program.count - jump - 1);
	}
	/* Others are the container's own filter's matter. */
	give(&program, SECCOMP_RET_ALLOW);
	return program.count <= room ? program.count : 0;
}

int set_id_filter_load(const uint32_t key[2], struct error *err)
{
	struct sock_filter instructions[SET_ID_FILTER_MAX];
	struct sock_fprog program = { .filter = instructions, .len = (unsigned short)set_id_filter_write(instructions, SET_ID_FILTER_MAX, key) };

	if (program.len == 0)
		return error_set(err, E2BIG, "filter of set-id bits");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return error_set(err, errno, "filter of set-id bits, %u instructions", program.len);
	return 0;
}
