#include "launcher/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/fault.h"
#include "lib/fd.h"
#include "launcher/steps.h"

enum { ANY_MINOR = -1, LIST_MAX = 65536 };

static const struct {
	int major, minor;
} allowed[] = {
	{ 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 }, { 1, 9 },   /* null zero full random urandom */
	{ 5, 0 }, { 5, 2 },                                 /* tty ptmx */
	{ 136, ANY_MINOR },                                 /* pts: Documentation/admin-guide/devices.txt */
};

enum { ALLOWED_COUNT = sizeof(allowed) / sizeof(*allowed) };

static void format_rule(size_t index, char *ret_text, size_t size)
{
	if (allowed[index].minor == ANY_MINOR)
		snprintf(ret_text, size, "c %d:* rw\n", allowed[index].major);
	else
		snprintf(ret_text, size, "c %d:%d rw\n", allowed[index].major, allowed[index].minor);
}

/* devices.list has one rule a line, in the order of addition, which is ours. */
static int rules_are_set(int group, bool all, bool *ret_equal, struct error *err)
{
	_cleanup_close_ int fd = openat(group, "devices.list", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, errno, "devices.list");
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (fd_read_file(fd, LIST_MAX, &text, &size, err) < 0)
		return -1;
	const char *next = text;

	*ret_equal = all && strcmp(text, "a *:* rwm\n") == 0;
	if (all)
		return 0;
	for (size_t i = 0; i < ALLOWED_COUNT; i++) {
		char rule[32];

		format_rule(i, rule, sizeof(rule));
		if (strncmp(next, rule, strlen(rule)) != 0)
			return 0;
		next += strlen(rule);
	}
	*ret_equal = *next == '\0';
	return 0;
}

int devices_allow_v1(const char *group, bool all, struct error *err)
{
	bool equal = false;

	if (step_begin(STEP_ALLOW_DEVICES, err) < 0)
		return -1;
	_cleanup_close_ int directory = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return error_set(err, errno, "%s", group);
	if (rules_are_set(directory, all, &equal, err) < 0)
		return -1;
	if (equal)
		return 0;
	if (fd_write_file_at(directory, all ? "devices.allow" : "devices.deny", "a", 1, err) < 0)
		return err->number == EINVAL ? error_set(err, EBUSY, "%s: other rules are set, and groups below it exist", group) : -1;
	for (size_t i = 0; !all && i < ALLOWED_COUNT; i++) {
		char rule[32];

		format_rule(i, rule, sizeof(rule));
		if (fd_write_file_at(directory, "devices.allow", rule, strlen(rule), err) < 0)
			return -1;
	}
	return 0;
}

/*
 * The program, as the verifier wants it: r1 is struct bpf_cgroup_dev_ctx {u32 access << 16 | type, u32 major, u32 minor}; the result is 1 to
 * allow. Jumps count instructions from the next one.
 */
#define LOAD(register_, offset) { .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (register_), .src_reg = BPF_REG_1, .off = (offset) }
#define AND(register_, value) { .code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = (register_), .imm = (value) }
#define COPY(to, from) { .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) }
#define SHIFT_RIGHT(register_, bits) { .code = BPF_ALU | BPF_RSH | BPF_K, .dst_reg = (register_), .imm = (bits) }
#define SET(register_, value) { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (register_), .imm = (value) }
#define UNLESS_EQUAL(register_, value, skip) { .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = (register_), .imm = (value), .off = (skip) }
#define IF_BITS(register_, value, skip) { .code = BPF_JMP | BPF_JSET | BPF_K, .dst_reg = (register_), .imm = (value), .off = (skip) }
#define JUMP(skip) { .code = BPF_JMP | BPF_JA, .off = (skip) }
#define EXIT { .code = BPF_JMP | BPF_EXIT }

enum { TYPE = BPF_REG_2, ACCESS = BPF_REG_3, MAJOR = BPF_REG_4, MINOR = BPF_REG_5, RESULT = BPF_REG_0 };
enum { PROGRAM_MAX = 16 + 4 * ALLOWED_COUNT };

static size_t build_program(struct bpf_insn *ret_program)
{
	const struct bpf_insn head[] = {
		LOAD(TYPE, 0), COPY(ACCESS, TYPE), AND(TYPE, 0xffff), SHIFT_RIGHT(ACCESS, 16), LOAD(MAJOR, 4), LOAD(MINOR, 8),
		UNLESS_EQUAL(TYPE, BPF_DEVCG_DEV_CHAR, 2), IF_BITS(ACCESS, BPF_DEVCG_ACC_MKNOD, 1), JUMP(2),
		SET(RESULT, 0), EXIT,
	};
	size_t size = sizeof(head) / sizeof(*head);

	memcpy(ret_program, head, sizeof(head));
	for (size_t i = 0; i < ALLOWED_COUNT; i++) {
		bool any = allowed[i].minor == ANY_MINOR;

		ret_program[size++] = (struct bpf_insn)UNLESS_EQUAL(MAJOR, allowed[i].major, any ? 2 : 3);
		if (!any)
			ret_program[size++] = (struct bpf_insn)UNLESS_EQUAL(MINOR, allowed[i].minor, 2);
		ret_program[size++] = (struct bpf_insn)SET(RESULT, 1);
		ret_program[size++] = (struct bpf_insn)EXIT;
	}
	ret_program[size++] = (struct bpf_insn)SET(RESULT, 0);
	ret_program[size++] = (struct bpf_insn)EXIT;
	return size;
}

static int bpf(int command, union bpf_attr *attributes, size_t size)
{
	return (int)syscall(SYS_bpf, command, attributes, size);
}

int devices_allow_v2(const char *group, bool all, struct error *err)
{
	struct bpf_insn program[PROGRAM_MAX];
	union bpf_attr load = { 0 }, attach = { 0 };

	if (step_begin(STEP_ALLOW_DEVICES, err) < 0)
		return -1;
	_cleanup_close_ int directory = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return error_set(err, errno, "%s", group);
	attach.target_fd = (uint32_t)directory;
	attach.attach_type = BPF_CGROUP_DEVICE;
	if (all) {
		/* None at all: a group below one that has a program may have none of its own, which an inner launcher needs. */
		if (bpf(BPF_PROG_DETACH, &attach, sizeof(attach)) < 0 && errno != ENOENT)
			return error_set(err, errno, "%s: detach the device program", group);
		return 0;
	}
	load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	load.insns = (uint64_t)(uintptr_t)program;
	load.insn_cnt = (uint32_t)build_program(program);
	load.license = (uint64_t)(uintptr_t)"Apache-2.0";
	snprintf(load.prog_name, sizeof(load.prog_name), "warden_devices");
	_cleanup_close_ int loaded = bpf(BPF_PROG_LOAD, &load, sizeof(load));

	if (loaded < 0)
		return error_set(err, errno, "load the device program");
	/* Without flags there is one program a group: attaching puts it in the place of the one before, in one step. */
	attach.attach_bpf_fd = (uint32_t)loaded;
	if (bpf(BPF_PROG_ATTACH, &attach, sizeof(attach)) < 0)
		return error_set(err, errno, "%s: attach the device program", group);
	return 0;
}
