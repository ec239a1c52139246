#include "files/copy-worker.h"

#include <pthread.h>

#include "lib/fd.h"
#include "lib/file-copy.h"

/* Of the process; `lock` guards everything but the job, which is the thread's while it is busy, and the copier, which always is. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool running;
	bool busy;
	bool failed;
	struct error failure;
	struct copy_job job;
	struct file_copier copier;
} worker = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

void copy_worker_lock(void)
{
	pthread_mutex_lock(&worker.lock);
}

void copy_worker_unlock(void)
{
	pthread_mutex_unlock(&worker.lock);
}

static int count_bytes(void *context, uint64_t bytes, struct error *err)
{
	copy_worker_lock();
	int result = tree_add_bytes(context, bytes, err);

	copy_worker_unlock();
	return result;
}

static int finish(struct copy_job *job, struct error *err)
{
	int result = file_copy(&worker.copier, job->from, &job->status, job->file.fd, count_bytes, job->writer, err);

	close_fd(job->from);
	if (result == 0)
		return tree_finish_file(job->writer, &job->file, &job->attributes, err);
	tree_abandon_file(&job->file);
	return error_set(err, err->number, "%.100s: %.100s", job->file.name, err->detail);
}

static void *work(void *unused)
{
	copy_worker_lock();
	for (;;) {
		struct error err = { 0 };

		while (!worker.busy)
			pthread_cond_wait(&worker.changed, &worker.lock);
		copy_worker_unlock();
		int result = finish(&worker.job, &err);

		copy_worker_lock();
		worker.busy = false;
		if (result < 0 && !worker.failed) {
			worker.failed = true;
			worker.failure = err;
		}
		pthread_cond_signal(&worker.changed);
	}
	return unused;
}

void copy_worker_start(void)
{
	pthread_t thread;

	worker.running = pthread_create(&thread, NULL, work, NULL) == 0;
	if (worker.running)
		pthread_detach(thread);
}

/* The step is the caller's. */
static int failure(struct error *err)
{
	if (!worker.failed)
		return 0;
	worker.failed = false;
	return error_set(err, worker.failure.number, "%s", worker.failure.detail);
}

int copy_worker_take(const struct copy_job *job, struct error *err)
{
	if (!worker.running)
		return 0;
	copy_worker_lock();
	int result = failure(err);

	if (result == 0 && !worker.busy) {
		worker.job = *job;
		worker.busy = true;
		pthread_cond_signal(&worker.changed);
		result = 1;
	}
	copy_worker_unlock();
	return result;
}

int copy_worker_settle(struct error *err)
{
	if (!worker.running)
		return 0;
	copy_worker_lock();
	while (worker.busy)
		pthread_cond_wait(&worker.changed, &worker.lock);
	int result = failure(err);

	copy_worker_unlock();
	return result;
}
