#include "monitor/job-log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "monitor/log-lines.h"
#include "monitor/syslog.h"

#define ZONE_MAX 64u

struct job_log {
	struct syslog_tag *tag;
	struct log_line lines[2];   /* stdout, stderr */
};

/* A zone of POSIX, which needs no file: there is none of the host's here. */
static int set_zone(const struct wire_attribute *attribute, struct error *err)
{
	char zone[ZONE_MAX + 1];

	if (wire_string_into(attribute, zone, sizeof(zone), err) < 0)
		return -1;
	const char *now = getenv("TZ");

	if (now != NULL && strcmp(now, zone) == 0)
		return 0;
	if (setenv("TZ", zone, 1) < 0)
		return error_set(err, errno, "TZ");
	tzset();
	return 0;
}

/* wardend has checked it with more to say; here it only must not be able to break the form of the line. */
static int read_tag(const struct wire_attribute *attribute, char *ret_name, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (wire_string_into(attribute, ret_name, SYSLOG_TAG_MAX + 1, err) < 0)
		return -1;
	return ret_name[0] != '\0' && ret_name[strspn(ret_name, allowed)] == '\0' ? 0 : error_set(err, EINVAL, "log tag");
}

int job_log_open(struct job *job, const struct frame *frame, struct error *err)
{
	char name[SYSLOG_TAG_MAX + 1] = "";
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_init(&reader, frame->body, frame->size);
	while ((result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag == TAG_LOG_TAG && read_tag(&attribute, name, err) < 0)
			return -1;
		if (attribute.tag == TAG_TIME_ZONE && set_zone(&attribute, err) < 0)
			return -1;
	}
	if (result < 0 || name[0] == '\0')
		return result;
	struct job_log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return error_set(err, ENOMEM, "log");
	log->tag = syslog_tag_enter(&job->monitor->syslog, name);
	if (log->tag == NULL) {
		free(log);
		return error_set(err, ENOMEM, "log tag");
	}
	job->log = log;
	return 0;
}

static void send_line(struct job *job, uint32_t stream)
{
	struct syslog *syslog = &job->monitor->syslog;
	struct log_line *line = &job->log->lines[stream == STREAM_STDERR];
	char text[LOG_TEXT_MAX];

	if (syslog_drops(syslog))
		syslog_drop(job->log->tag);
	else
		syslog_send(syslog, job->log->tag, stream == STREAM_STDERR ? SYSLOG_USER_ERROR : SYSLOG_USER_INFO, text, log_line_show(line, text));
	log_line_clear(line);
}

void job_log_output(struct job *job, uint32_t stream, const uint8_t *data, size_t size)
{
	if (job->log == NULL)
		return;
	while (size > 0) {
		bool complete;
		size_t taken = log_line_feed(&job->log->lines[stream == STREAM_STDERR], data, size, &complete);

		if (complete)
			send_line(job, stream);
		data += taken;
		size -= taken;
	}
}

void job_log_close(struct job *job)
{
	struct job_log *log = job->log;

	if (log == NULL)
		return;
	for (uint32_t stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++)
		if (log_line_is_begun(&log->lines[stream == STREAM_STDERR]))
			send_line(job, stream);
	syslog_tag_leave(&job->monitor->syslog, log->tag);
	free(log);
	job->log = NULL;
}
