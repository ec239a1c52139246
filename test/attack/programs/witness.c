/*
 * Tells what arrives: a line for each packet that carries the text `forged`, or another text that begins with `mark`.
 *
 * Usage: witness wire|stack
 *   wire   every frame that comes in at any interface of this network namespace, before anybody has judged it
 *   stack  what the firewall lets in to this machine itself: IPv4 and IPv6, UDP, TCP and ICMP
 * Prints `ready`, then `PLACE PROTOCOL SOURCE TEXT` for each packet, until its standard input ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX = 8, BUFFER = 32 << 20 };

static struct { const char *name; int fd; int family; } sources[MAX];
static int count;

static void add(const char *name, int family, int type, int protocol)
{
	int size = BUFFER, fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	/* A kernel without IPv6 hears nothing of it. */
	if (fd < 0 && family == AF_INET6 && errno == EAFNOSUPPORT)
		return;
	if (fd < 0) {
		perror(name);
		exit(1);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	sources[count].name = name;
	sources[count].family = family;
	sources[count++].fd = fd;
}

static const char *text_in(const char *bytes, size_t length)
{
	static char text[64];
	const char *found = memmem(bytes, length, "forged", 6);

	if (found == NULL)
		found = memmem(bytes, length, "mark", 4);
	if (found == NULL)
		return NULL;
	size_t left = length - (size_t)(found - bytes), size = 0;

	while (size < left && size < sizeof text - 1 && found[size] > ' ' && found[size] < 127)
		size++;
	memcpy(text, found, size);
	text[size] = '\0';
	return text;
}

/* Everything that comes by IPv6 but what the kernel itself says is told, whatever is in it: only attackers speak it here. */
static void take(int index, const char *place)
{
	char bytes[2048], source[INET6_ADDRSTRLEN] = "-";
	struct sockaddr_storage from = { 0 };
	socklen_t size = sizeof from;
	ssize_t got;

	while ((got = recvfrom(sources[index].fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size)) >= 0) {
		const char *text = text_in(bytes, (size_t)got);
		bool outgoing = from.ss_family == AF_PACKET && ((struct sockaddr_ll *)&from)->sll_pkttype == PACKET_OUTGOING;
		bool is_router = sources[index].family == AF_INET6 && strcmp(sources[index].name, "icmp6") == 0 && (uint8_t)bytes[0] == 134;

		if (from.ss_family == AF_INET)
			inet_ntop(AF_INET, &((struct sockaddr_in *)&from)->sin_addr, source, sizeof source);
		else if (from.ss_family == AF_INET6)
			inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&from)->sin6_addr, source, sizeof source);
		if (!outgoing && (text != NULL || is_router))
			printf("%s %s %s %s\n", place, sources[index].name, source, text != NULL ? text : "router-advertisement");
		size = sizeof from;
	}
}

int main(int argc, char **argv)
{
	struct pollfd waiting[MAX + 1] = { { .fd = 0, .events = POLLIN } };

	if (argc == 2 && strcmp(argv[1], "wire") == 0)
		add("frame", AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	else if (argc == 2 && strcmp(argv[1], "stack") == 0) {
		add("udp", AF_INET, SOCK_RAW, IPPROTO_UDP);
		add("tcp", AF_INET, SOCK_RAW, IPPROTO_TCP);
		add("icmp", AF_INET, SOCK_RAW, IPPROTO_ICMP);
		add("udp6", AF_INET6, SOCK_RAW, IPPROTO_UDP);
		add("tcp6", AF_INET6, SOCK_RAW, IPPROTO_TCP);
		add("icmp6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	} else
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	for (int i = 0; i < count; i++) {
		waiting[i + 1].fd = sources[i].fd;
		waiting[i + 1].events = POLLIN;
	}
	while (poll(waiting, (nfds_t)count + 1, -1) > 0) {
		for (int i = 0; i < count; i++)
			if (waiting[i + 1].revents)
				take(i, argv[1]);
		if (waiting[0].revents)
			return 0;
	}
	return 1;
}
