#include "monitor/groundwork.h"

#include <errno.h>

#include "lib/fault.h"
#include "lib/steps.h"
#include "monitor/layer-quota.h"

static int make_cgroups(const struct groundwork *groundwork, struct error *err)
{
	return step_begin(STEP_MAKE_CGROUPS, err) < 0 ? -1 : cgroups_make(groundwork->cgroups, groundwork->description, err);
}

static int make_layers(const struct groundwork *groundwork, struct error *err)
{
	struct container_directories *directories = groundwork->directories;

	if (step_begin(STEP_MAKE_DIRECTORIES, err) < 0 || directories_make_layers(directories, &groundwork->description->map, err) < 0 ||
	    layer_quota_prepare(directories, groundwork->description, err) < 0)
		return -1;
	/* Before the layers are mapped: the owners that matter are those on disk. */
	return step_begin(STEP_WRITE_UPPER, err) < 0 ? -1 : upper_write(directories->upper, groundwork->description, groundwork->lowers, err);
}

static void *make(void *argument)
{
	struct groundwork *groundwork = argument;

	groundwork->cgroups_part.result = make_cgroups(groundwork, &groundwork->cgroups_part.err);
	/* Whoever waits may go on to undo: what is read below is not touched by that before groundwork_finish(). */
	bool made = groundwork->cgroups_part.result == 0;

	sem_post(&groundwork->cgroups_made);
	if (made)
		groundwork->layers_part.result = make_layers(groundwork, &groundwork->layers_part.err);
	return NULL;
}

int groundwork_start(struct groundwork *groundwork, struct cgroups *cgroups, struct container_directories *directories, const struct description *description, const int *lowers, struct error *err)
{
	groundwork->cgroups = cgroups;
	groundwork->directories = directories;
	groundwork->description = description;
	groundwork->lowers = lowers;
	groundwork->cgroups_part.result = groundwork->layers_part.result = -1;
	sem_init(&groundwork->cgroups_made, 0, 0);
	int number = pthread_create(&groundwork->thread, NULL, make, groundwork);

	groundwork->running = number == 0;
	return number == 0 ? 0 : error_set(err, number, "thread for cgroups and layers");
}

int groundwork_await_cgroups(struct groundwork *groundwork, struct error *err)
{
	while (!groundwork->awaited && sem_wait(&groundwork->cgroups_made) < 0 && errno == EINTR)
		;
	groundwork->awaited = true;
	if (groundwork->cgroups_part.result < 0)
		*err = groundwork->cgroups_part.err;
	return groundwork->cgroups_part.result;
}

int groundwork_finish(struct groundwork *groundwork, struct error *err)
{
	if (groundwork->running)
		pthread_join(groundwork->thread, NULL);
	groundwork->running = false;
	if (groundwork->layers_part.result < 0)
		*err = groundwork->layers_part.err;
	return groundwork->layers_part.result;
}
