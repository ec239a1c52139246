/* The container's end of a copy: what comes in is made, what goes out is read, by whoever TRANSFER has made this process. */
#include "files/operations.h"

#include <errno.h>

#include "lib/fd.h"
#include "files/copy-frames.h"
#include "files/copy-receiver.h"
#include "files/copy-sender.h"
#include "files/copy-settings.h"

static const struct copy_reports no_reports = { 0 };

static struct place place_of(const struct transfer *transfer)
{
	return (struct place){ .root = transfer->root, .home = transfer->home };
}

static int receive(struct channel *channel, const struct transfer *transfer, const struct copy_settings *settings, struct error *err)
{
	struct copy_order order = { .path = settings->destination, .place = place_of(transfer), .policy = copy_settings_policy(settings) };
	struct copy_counts counts;

	if (settings->destination == NULL)
		return error_set(err, EBADMSG, "no destination");
	order.policy.set_id_mount = transfer->root_mount;
	wire_begin(&channel->output, WIRE_OK);
	if (channel_send(channel, -1, err) < 0)
		return -1;
	return copy_receive(channel, &order, &no_reports, &counts, err);
}

static int send_source(struct channel *channel, const struct transfer *transfer, const struct copy_settings *settings, struct error *err)
{
	const struct place place = place_of(transfer);
	struct copy_source source;
	struct copy_counts counts;

	if (settings->source == NULL)
		return error_set(err, EBADMSG, "no source");
	int result = copy_source_open(&source, &place, settings->source, err);

	if (result == 0)
		result = copy_send(channel, &source, &no_reports, &counts, err);
	copy_source_close(&source);
	return result;
}

static int serve(struct transfer *transfer, int (*end)(struct channel *, const struct transfer *, const struct copy_settings *, struct error *), struct error *err)
{
	struct copy_settings settings;
	struct channel channel;
	struct error ignored;

	err->step = "copy in the container";
	if (copy_settings_read(transfer->body, transfer->size, &settings, err) < 0 || channel_init(&channel, transfer->connection, -1, err) < 0) {
		copy_settings_free(&settings);
		return -1;
	}
	int result = end(&channel, transfer, &settings, err);

	channel_free(&channel);
	/* The error is sent to an end that may have much to read yet. */
	if (result < 0)
		fd_set_nonblocking(transfer->connection, false, &ignored);
	copy_settings_free(&settings);
	return result;
}

int serve_copy_in(struct transfer *transfer, struct error *err)
{
	return serve(transfer, receive, err);
}

int serve_copy_out(struct transfer *transfer, struct error *err)
{
	return serve(transfer, send_source, err);
}
