#include "monitor/layers.h"

#include "lib/fault.h"
#include "lib/steps.h"
#include "monitor/layer-quota.h"

static void *make(void *argument)
{
	struct layers *layers = argument;
	struct container_directories *directories = layers->directories;
	struct error *err = &layers->err;

	layers->result = -1;
	if (step_begin(STEP_MAKE_DIRECTORIES, err) < 0 || directories_make_layers(directories, &layers->description->map, err) < 0 ||
	    layer_quota_prepare(directories, layers->description, err) < 0)
		return NULL;
	/* Before the layers are mapped: the owners that matter are those on disk. */
	if (step_begin(STEP_WRITE_UPPER, err) < 0 || upper_write(directories->upper, layers->description, layers->lowers, err) < 0)
		return NULL;
	layers->result = 0;
	return NULL;
}

int layers_start(struct layers *layers, struct container_directories *directories, const struct description *description, const int *lowers, struct error *err)
{
	layers->directories = directories;
	layers->description = description;
	layers->lowers = lowers;
	int number = pthread_create(&layers->thread, NULL, make, layers);

	layers->running = number == 0;
	return number == 0 ? 0 : error_set(err, number, "thread for the layers");
}

int layers_finish(struct layers *layers, struct error *err)
{
	if (layers->running)
		pthread_join(layers->thread, NULL);
	layers->running = false;
	if (layers->result < 0)
		*err = layers->err;
	return layers->result;
}
