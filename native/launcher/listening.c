#include "launcher/listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "lib/fd.h"
#include "launcher/netlink.h"

enum { QUESTION_SIZE = 128, SOCKET_CAPACITY = 65536 };

int listening_open(struct error *err)
{
	return netlink_open(NETLINK_SOCK_DIAG, SOCKET_CAPACITY, err);
}

static void note(const struct nlmsghdr *message, void *context)
{
	(void)message;
	*(bool *)context = true;
}

/* The kernel compares the port; a UDP socket without a peer is in the state of a closed TCP socket. */
static int find_in_family(int sock_diag, uint8_t family, uint8_t protocol, uint16_t port, bool *ret_found)
{
	_Alignas(struct nlmsghdr) char bytes[QUESTION_SIZE];
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	struct inet_diag_req_v2 *question = netlink_message(&batch, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(*question));

	if (question == NULL)
		return -E2BIG;
	question->sdiag_family = family;
	question->sdiag_protocol = protocol;
	question->idiag_states = 1u << (protocol == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE);
	question->id.idiag_sport = htons(port);
	return netlink_dump(sock_diag, &batch, note, ret_found);
}

/*
 * A socket that gets the port for every address shows that nobody has it, in a fraction of the time in which sock_diag goes through all that listen. One that does not get it shows nothing: sockets
 * that are connected are in its way, too. It never listens, and nobody reads what is sent to it in the moment until it is closed.
 */
static bool is_free(uint8_t protocol, uint16_t port)
{
	_cleanup_close_ int fd = socket(AF_INET6, (protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int off = 0;

	return fd >= 0 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

int listening_find(int sock_diag, uint8_t protocol, uint16_t port, bool *ret_found, struct error *err)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	*ret_found = false;
	if (is_free(protocol, port))
		return 0;
	for (size_t i = 0; i < sizeof(families) && !*ret_found; i++) {
		int result = find_in_family(sock_diag, families[i], protocol, port, ret_found);

		/* A kernel without IPv6 has no sockets of it. */
		if (result == -ENOENT && families[i] == AF_INET6)
			return 0;
		if (result < 0)
			return error_set(err, -result, "%s port %u", protocol == IPPROTO_TCP ? "TCP" : "UDP", port);
	}
	return 0;
}
