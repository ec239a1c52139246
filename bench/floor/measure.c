/* Samples: lifecycles, jobs in one container, bash on the host; printed as one line of JSON for each command. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "floor/floor.h"

struct samples {
	size_t count;
	double create[FLOOR_MAX_SAMPLES];
	double run[FLOOR_MAX_SAMPLES];
	double destroy[FLOOR_MAX_SAMPLES];
	double removal[FLOOR_MAX_SAMPLES];
	double steps[STEP_COUNT][FLOOR_MAX_SAMPLES];
};

static struct samples samples;

static void print_samples(const char *name, const double *values, size_t count)
{
	printf("\"%s\":[", name);
	for (size_t i = 0; i < count; i++)
		printf("%s%.1f", i == 0 ? "" : ",", values[i]);
	printf("]");
}

static void print_lifecycles(double seconds)
{
	printf("{\"seconds\":%.6f,", seconds);
	print_samples("create", samples.create, samples.count);
	printf(",");
	print_samples("run", samples.run, samples.count);
	printf(",");
	print_samples("destroy", samples.destroy, samples.count);
	printf(",");
	print_samples("removal", samples.removal, samples.count);
	printf(",\"steps\":{");
	for (size_t step = 0; step < STEP_COUNT; step++) {
		printf("%s", step == 0 ? "" : ",");
		print_samples(create_step_names[step], samples.steps[step], samples.count);
	}
	printf("}}\n");
}

/* ret_times: microseconds; ret_steps: the parts of create, may be NULL. */
int lifecycle(struct floor *floor, enum job_kind kind, double ret_times[LIFECYCLE_TIMES], double *ret_steps, struct error *err)
{
	struct container container;
	struct job_result result;
	struct error later = { 0 };
	double begin = now_us();

	if (container_create(floor, &container, err) < 0)
		return -1;
	double created = now_us();
	int ran = container_run(&container, kind, &result, err);
	double ended = now_us();

	if (container_destroy(floor, &container, ran < 0 ? &later : err) < 0 || ran < 0)
		return -1;
	double destroyed = now_us();

	if (container_remove_trash(floor, container.index, err) < 0)
		return -1;
	ret_times[0] = created - begin;
	ret_times[1] = ended - created;
	ret_times[2] = destroyed - ended;
	ret_times[3] = now_us() - destroyed;
	if (ret_steps != NULL)
		memcpy(ret_steps, container.steps, sizeof(container.steps));
	return 0;
}

int measure_lifecycles(struct floor *floor, size_t count, useconds_t spacing, enum job_kind kind)
{
	struct error err = { 0 };
	double begin = now_us();

	for (samples.count = 0; samples.count < count && !interrupted(); samples.count++) {
		double times[LIFECYCLE_TIMES], steps[STEP_COUNT];

		if (spacing > 0)
			usleep(spacing);
		if (lifecycle(floor, kind, times, steps, &err) < 0)
			return report(&err);
		samples.create[samples.count] = times[0];
		samples.run[samples.count] = times[1];
		samples.destroy[samples.count] = times[2];
		samples.removal[samples.count] = times[3];
		for (size_t step = 0; step < STEP_COUNT; step++)
			samples.steps[step][samples.count] = steps[step];
	}
	print_lifecycles((now_us() - begin) / 1e6);
	return 0;
}

int measure_runs(struct floor *floor, size_t count, useconds_t spacing, enum job_kind kind)
{
	struct error err = { 0 };
	struct container container;
	struct job_result result;
	int measured = 0;

	if (container_create(floor, &container, &err) < 0)
		return report(&err);
	for (samples.count = 0; measured == 0 && samples.count < count && !interrupted(); samples.count++) {
		if (spacing > 0)
			usleep(spacing);
		double begin = now_us();

		measured = container_run(&container, kind, &result, &err);
		samples.run[samples.count] = kind == JOB_TIMED_BASH ? result.exec_us : now_us() - begin;
	}
	if (measured < 0)
		report(&err);
	if (container_destroy(floor, &container, &err) < 0 || container_remove_trash(floor, container.index, &err) < 0)
		return report(&err);
	printf("{");
	print_samples("run", samples.run, samples.count);
	printf("}\n");
	return measured;
}

int measure_bash(size_t count, bool from_pipe)
{
	for (samples.count = 0; samples.count < count && !interrupted(); samples.count++) {
		samples.run[samples.count] = jobs_time_bash(from_pipe);
		if (samples.run[samples.count] < 0) {
			fprintf(stderr, "floor: bash could not be run\n");
			return -1;
		}
	}
	printf("{");
	print_samples("run", samples.run, samples.count);
	printf("}\n");
	return 0;
}
