#include "seccomp/compact.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RESULTS = 8, MAX_JUMP = 255 };

static const uint32_t architectures[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };

struct input {
	const struct sock_filter *program;
	size_t count;
	const struct decided *decided;
	size_t decided_count;
};

/* Numbers from `first` up to the next range's are decided alike. */
struct range {
	uint32_t first;
	uint32_t result;
};

struct ranges {
	struct range *list;
	size_t count;
};

struct output {
	struct sock_filter instructions[BPF_MAXINSNS];
	size_t count;
	int error;
};

static bool jumps(const struct sock_filter *instruction, uint32_t accumulator)
{
	switch (BPF_OP(instruction->code)) {
	case BPF_JEQ:
		return accumulator == instruction->k;
	case BPF_JGT:
		return accumulator > instruction->k;
	default:
		return accumulator >= instruction->k;
	}
}

long long compact_decide(const struct sock_filter *program, size_t count, unsigned int architecture, unsigned int number)
{
	uint32_t accumulator = 0;

	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *instruction = &program[at];

		switch (instruction->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (instruction->k != offsetof(struct seccomp_data, arch) && instruction->k != offsetof(struct seccomp_data, nr))
				return -EINVAL;
			accumulator = instruction->k == offsetof(struct seccomp_data, arch) ? architecture : number;
			break;
		case BPF_JMP | BPF_JA:
			at += instruction->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
			at += jumps(instruction, accumulator) ? instruction->jt : instruction->jf;
			break;
		case BPF_RET | BPF_K:
			return instruction->k;
		default:
			return -EINVAL;
		}
	}
	return -EINVAL;
}

static bool is_decided(const struct input *input, uint32_t architecture, uint32_t number)
{
	for (size_t i = 0; i < input->decided_count; i++)
		if (input->decided[i].architecture == architecture && input->decided[i].number == number)
			return true;
	return false;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

/* A decision can change only at a number that is compared with, or behind it. Sorted; the caller's to free. */
static uint32_t *find_boundaries(const struct input *input, size_t *ret_count)
{
	const struct sock_filter *program = input->program;
	uint32_t *numbers = calloc(2 * input->count + input->decided_count + 1, sizeof(*numbers));
	size_t used = 0;

	if (numbers == NULL)
		return NULL;
	numbers[used++] = 0;
	for (size_t i = 0; i < input->count; i++) {
		if (BPF_CLASS(program[i].code) != BPF_JMP || BPF_OP(program[i].code) == BPF_JA)
			continue;
		numbers[used++] = program[i].k;
		numbers[used++] = program[i].k + 1;
	}
	/* What a decided number would have begun begins behind it. */
	for (size_t i = 0; i < input->decided_count; i++)
		numbers[used++] = input->decided[i].number + 1;
	qsort(numbers, used, sizeof(*numbers), compare_numbers);
	*ret_count = used;
	return numbers;
}

static int find_ranges(const struct input *input, uint32_t architecture, struct ranges *ret_ranges)
{
	size_t boundary_count;
	uint32_t *boundaries = find_boundaries(input, &boundary_count);
	struct range *list = boundaries == NULL ? NULL : calloc(boundary_count, sizeof(*list));
	int error = list == NULL ? -ENOMEM : 0;
	size_t used = 0;

	for (size_t i = 0; error == 0 && i < boundary_count; i++) {
		if (is_decided(input, architecture, boundaries[i]))
			continue;
		long long result = compact_decide(input->program, input->count, architecture, boundaries[i]);

		if (result < 0)
			error = (int)result;
		else if (used == 0 || list[used - 1].result != (uint32_t)result)
			list[used++] = (struct range){ .first = used == 0 ? 0 : boundaries[i], .result = (uint32_t)result };
	}
	free(boundaries);
	*ret_ranges = (struct ranges){ .list = list, .count = used };
	return error;
}

static size_t add(struct output *output, struct sock_filter instruction)
{
	if (output->count == BPF_MAXINSNS)
		output->error = -E2BIG;
	else
		output->instructions[output->count++] = instruction;
	return output->count - 1;
}

/* Returns its index in `results`, which has one return instruction for each behind the tree. */
static size_t index_of(uint32_t *results, size_t *result_count, uint32_t result)
{
	for (size_t i = 0; i < *result_count; i++)
		if (results[i] == result)
			return i;
	if (*result_count < MAX_RESULTS)
		results[(*result_count)++] = result;
	return *result_count - 1;
}

/* One comparison fewer than ranges, each before its subtrees: the lower half follows at once. */
static size_t tree_size(size_t ranges)
{
	return ranges - 1;
}

static uint8_t distance(struct output *output, size_t from, size_t to)
{
	if (to - from - 1 > MAX_JUMP)
		output->error = -E2BIG;
	return (uint8_t)(to - from - 1);
}

/* A search among ranges [first, end), of which there are at least two. returns: where the return instructions will be. */
static void add_tree(struct output *output, const struct ranges *ranges, size_t first, size_t end, uint32_t *results, size_t *result_count, size_t returns)
{
	size_t middle = first + (end - first) / 2;
	size_t here = add(output, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ranges->list[middle].first, 0, 0));
	size_t lower = here + 1, upper = lower + tree_size(middle - first);

	if (middle - first == 1)
		lower = returns + index_of(results, result_count, ranges->list[first].result);
	if (end - middle == 1)
		upper = returns + index_of(results, result_count, ranges->list[middle].result);
	if (output->error != 0)
		return;
	output->instructions[here].jf = distance(output, here, lower);
	output->instructions[here].jt = distance(output, here, upper);
	if (middle - first > 1)
		add_tree(output, ranges, first, middle, results, result_count, returns);
	if (end - middle > 1)
		add_tree(output, ranges, middle, end, results, result_count, returns);
}

static void add_architecture(struct output *output, const struct ranges *ranges)
{
	uint32_t results[MAX_RESULTS];
	size_t result_count = 0;

	add(output, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	if (ranges->count == 1)
		index_of(results, &result_count, ranges->list[0].result);
	else
		add_tree(output, ranges, 0, ranges->count, results, &result_count, output->count + tree_size(ranges->count));
	for (size_t i = 0; i < result_count; i++)
		add(output, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, results[i]));
}

static int generate(const struct input *input, struct output *output)
{
	long long other = compact_decide(input->program, input->count, 0, 0);

	if (other < 0)
		return (int)other;
	add(output, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	for (size_t i = 0; i < sizeof(architectures) / sizeof(architectures[0]); i++) {
		struct ranges ranges;
		int error = find_ranges(input, architectures[i], &ranges);

		if (error == 0) {
			/* Around an architecture's part by an unconditional jump, which reaches further. */
			add(output, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architectures[i], 1, 0));
			size_t around = add(output, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));

			add_architecture(output, &ranges);
			output->instructions[around].k = (uint32_t)(output->count - around - 1);
		}
		free(ranges.list);
		if (error < 0)
			return error;
	}
	add(output, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (uint32_t)other));
	return output->error;
}

static int verify(const struct input *input, const struct output *output)
{
	const uint32_t asked[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64 };
	size_t boundary_count;
	uint32_t *boundaries = find_boundaries(input, &boundary_count);
	bool same = boundaries != NULL;

	for (size_t i = 0; same && i < sizeof(asked) / sizeof(asked[0]); i++)
		for (size_t j = 0; same && j < boundary_count; j++)
			for (int beside = -1; same && beside <= 1; beside++) {
				uint32_t number = boundaries[j] + (uint32_t)beside;

				same = is_decided(input, asked[i], number) || compact_decide(input->program, input->count, asked[i], number) ==
					compact_decide(output->instructions, output->count, asked[i], number);
			}
	if (boundaries == NULL)
		return -ENOMEM;
	free(boundaries);
	return same ? 0 : -EINVAL;
}

int compact(const struct sock_filter *program, size_t count, const struct decided *decided, size_t decided_count, struct sock_filter **ret_program, size_t *ret_count)
{
	const struct input input = { .program = program, .count = count, .decided = decided, .decided_count = decided_count };
	struct output *output = calloc(1, sizeof(*output));
	struct sock_filter *result = NULL;

	if (output == NULL)
		return -ENOMEM;
	int error = generate(&input, output);

	if (error == 0)
		error = verify(&input, output);
	if (error == 0 && (result = malloc(output->count * sizeof(*result))) == NULL)
		error = -ENOMEM;
	if (error == 0) {
		memcpy(result, output->instructions, output->count * sizeof(*result));
		*ret_program = result;
		*ret_count = output->count;
	}
	free(output);
	return error;
}
