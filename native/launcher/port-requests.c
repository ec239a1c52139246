#include "launcher/port-requests.h"

#include "lib/fd.h"
#include "launcher/background.h"
#include "launcher/conntrack.h"
#include "launcher/listening.h"
#include "launcher/netlink.h"
#include "launcher/steps.h"

/* Of the process that forgets: entries come in pieces, and answers to deletions at once. */
enum { FORGET_CAPACITY = 4 << 20, FORGET_NICENESS = 10 };

void listening_serve(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_FIND_LISTENER };
	struct port_order order;
	bool found;

	if (port_order_read(body, size, &order, &err) < 0 ||
	    listening_find(launcher->host.sock_diag, (uint8_t)order.protocol, (uint16_t)order.port, &found, &err) < 0) {
		answer_error(launcher, request, &err);
		return;
	}
	answer_begin(launcher, request);
	wire_put_u32(&launcher->output, TAG_LISTENING, found ? 1 : 0);
	answer_send(launcher);
}

/* In a process of its own, and so with a socket of its own. */
static int forget(int descriptor, const void *context, struct error *err)
{
	_cleanup_close_ int nfnetlink = netlink_open(NETLINK_NETFILTER, FORGET_CAPACITY, err);

	(void)descriptor;
	return nfnetlink < 0 ? -1 : conntrack_forget(nfnetlink, context, err);
}

void forget_connections_begin(struct launcher *launcher, uint32_t request, const void *body, size_t size)
{
	struct error err = { .step = STEP_FORGET_CONNECTIONS };
	struct conntrack_order order;
	const struct background_task task = {
		.step = STEP_FORGET_CONNECTIONS, .niceness = FORGET_NICENESS, .max_under_way = FORGET_MAX_UNDER_WAY, .descriptor = -1, .work = forget, .order = &order,
	};

	if (conntrack_order_read(body, size, &order, &err) < 0)
		answer_error(launcher, request, &err);
	else if (order.range_count == 0 && order.port_count == 0)
		answer_ok(launcher, request);
	else if (background_start(launcher, request, &task, &err) < 0)
		answer_error(launcher, request, &err);
	conntrack_order_free(&order);
}
