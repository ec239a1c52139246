/*
 * Sends a packet of each protocol from every container to every other one, and tells which arrive. From the host, with all its rights: what
 * this cannot do, no job can do that broke every other rule.
 *
 * Usage: matrix PORT ADDRESS PID ADDRESS PID ...: of each container its address and a process in its network namespace.
 * Prints `PROTOCOL FROM TO` for every packet that arrived, by the containers' places in the list, and `silent TO` for a container that does not
 * even get the host's own packets.
 *
 * It runs on one processor: packets between namespaces of one machine wait in that processor's queue, so that what was sent before the host's
 * own marks has arrived, or never will, when these have.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX = 64, ROUNDS = 3, PATIENCE_MS = 5000, BUFFER = 1 << 20 };
enum { ICMP_ECHO_REQUEST = 8, IP_HEADER = 20, RESERVED_PROTOCOL = 253 };

static const struct { const char *name; int number; } protocols[] = {
	{ "icmp", IPPROTO_ICMP }, { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "sctp", IPPROTO_SCTP }, { "253", RESERVED_PROTOCOL },
};
enum { PROTOCOLS = sizeof protocols / sizeof *protocols };

static struct { struct in_addr address; int sockets[PROTOCOLS]; int marks; } containers[MAX];
static int count;
static uint16_t port;

static void fail(const char *what)
{
	fprintf(stderr, "matrix: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int make_socket(int type, int protocol)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), size = BUFFER;

	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	return fd;
}

static void enter(const char *pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail(path);
	close(fd);
}

static uint32_t crc32c(const uint8_t *bytes, size_t length)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static uint16_t checksum(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* An INIT chunk, as the first packet of an association has it. */
static size_t sctp_init(uint8_t *packet)
{
	static const uint8_t chunk[] = { 1, 0, 0, 20, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1 };
	uint16_t ports[2] = { htons(4000), htons(port) };
	uint32_t crc;

	memset(packet, 0, 12);
	memcpy(packet, ports, sizeof ports);
	memcpy(packet + 12, chunk, sizeof chunk);
	crc = crc32c(packet, 12 + sizeof chunk);
	memcpy(packet + 8, &crc, sizeof crc);
	return 12 + sizeof chunk;
}

static void send_packet(int from, int to, int protocol)
{
	struct sockaddr_in target = { .sin_family = AF_INET, .sin_addr = containers[to].address };
	uint8_t packet[64] = { 0 };
	size_t length = 16;

	switch (protocols[protocol].number) {
	case IPPROTO_ICMP:
		packet[0] = ICMP_ECHO_REQUEST;
		packet[5] = (uint8_t)to;
		uint16_t sum = checksum(packet, length);
		memcpy(packet + 2, &sum, sizeof sum);
		break;
	case IPPROTO_SCTP:
		length = sctp_init(packet);
		break;
	}
	/* A refusal comes back as an error of the socket's next call; it is not to be taken for that packet's. */
	int error;
	socklen_t size = sizeof error;
	getsockopt(containers[from].sockets[protocol], SOL_SOCKET, SO_ERROR, &error, &size);
	if (sendto(containers[from].sockets[protocol], packet, length, 0, (struct sockaddr *)&target, sizeof target) < 0)
		fail("sendto");
}

/* The kernel's own first packet of a connection, or datagram: to be made in the sender's namespace. */
static void send_from_stack(int to, int type)
{
	struct sockaddr_in target = { .sin_family = AF_INET, .sin_addr = containers[to].address, .sin_port = htons(port) };
	int fd = make_socket(type, 0);

	if (type == SOCK_DGRAM) {
		if (sendto(fd, "x", 1, 0, (struct sockaddr *)&target, sizeof target) < 0)
			fail("sendto");
		close(fd);
	} else if (connect(fd, (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS && errno != ECONNREFUSED)
		fail("connect");
	/* A connection under way stays open until the end, so that its packet is not taken back. */
}

static int place_of(const uint8_t *address)
{
	for (int i = 0; i < count; i++)
		if (memcmp(&containers[i].address, address, 4) == 0)
			return i;
	return -1;
}

static bool is_first_packet(int protocol, const uint8_t *body)
{
	switch (protocols[protocol].number) {
	case IPPROTO_ICMP:
		return body[0] == ICMP_ECHO_REQUEST;
	case IPPROTO_TCP:
		return (body[13] & 0x12) == 0x02;
	}
	return true;
}

static void receive(int to, int protocol)
{
	uint8_t packet[2048];
	ssize_t got;

	while ((got = recv(containers[to].sockets[protocol], packet, sizeof packet, 0)) >= IP_HEADER + 8) {
		int from = place_of(packet + 12);

		if (from != to && is_first_packet(protocol, packet + IP_HEADER)) {
			if (from >= 0)
				printf("%s %d %d\n", protocols[protocol].name, from, to);
			else if (protocols[protocol].number == IPPROTO_UDP)
				containers[to].marks++;
			else
				printf("%s ? %d\n", protocols[protocol].name, to);
		}
	}
}

static void await_marks(int host, int round)
{
	for (int to = 0; to < count; to++) {
		struct sockaddr_in target = { .sin_family = AF_INET, .sin_addr = containers[to].address, .sin_port = htons(port) };

		if (sendto(host, "mark", 4, 0, (struct sockaddr *)&target, sizeof target) < 0)
			fail("mark");
	}
	for (int to = 0; to < count; to++) {
		struct pollfd waiting = { .fd = containers[to].sockets[2], .events = POLLIN };

		for (receive(to, 2); containers[to].marks <= round && poll(&waiting, 1, PATIENCE_MS) > 0;)
			receive(to, 2);
		if (containers[to].marks <= round)
			printf("silent %d\n", to);
	}
}

int main(int argc, char **argv)
{
	cpu_set_t one;

	port = (uint16_t)atoi(argv[1]);
	count = (argc - 2) / 2;
	if (count > MAX)
		return 2;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof one, &one);
	int host = make_socket(SOCK_DGRAM, 0), home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < count; i++) {
		containers[i].address.s_addr = inet_addr(argv[2 + 2 * i]);
		enter(argv[3 + 2 * i]);
		for (int protocol = 0; protocol < PROTOCOLS; protocol++)
			containers[i].sockets[protocol] = make_socket(SOCK_RAW, protocols[protocol].number);
	}
	for (int from = 0; from < count; from++) {
		enter(argv[3 + 2 * from]);
		for (int to = 0; to < count; to++)
			for (int protocol = 0; to != from && protocol < PROTOCOLS; protocol++)
				if (protocols[protocol].number == IPPROTO_TCP || protocols[protocol].number == IPPROTO_UDP)
					send_from_stack(to, protocols[protocol].number == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM);
				else
					send_packet(from, to, protocol);
	}
	setns(home, CLONE_NEWNET);
	for (int round = 0; round < ROUNDS; round++)
		await_marks(host, round);
	for (int to = 0; to < count; to++)
		for (int protocol = 0; protocol < PROTOCOLS; protocol++)
			receive(to, protocol);
	return 0;
}
