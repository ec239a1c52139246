#include "monitor/empty.h"

#include "monitor/connection.h"

bool empty_holds(const struct monitor *monitor)
{
	if (!monitor->dead && (!monitor->empty || monitor->outstanding > 0))
		return false;
	for (const struct job *job = monitor->jobs; job != NULL; job = job->next)
		if (job->phase != JOB_OVER)
			return false;
	return true;
}

void empty_check(struct monitor *monitor)
{
	struct connection *next;

	if (!empty_holds(monitor))
		return;
	for (struct connection *connection = monitor->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (connection->phase == CONNECTION_AWAITING_EMPTY)
			connection_reply_ok(connection);
	}
}
