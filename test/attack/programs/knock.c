/*
 * Sends a datagram, the first packet of a TCP connection and an ICMP echo request, each with the text `forged`, to every address. To be run in the
 * sender's network namespace, with all the rights of the host.
 *
 * Usage: knock PORT ADDRESS...: IPv4 or IPv6, with %INTERFACE where that is needed.
 * Each run makes connections of its own: what a connection of an earlier one may still do is another matter.
 *
 * Prints `sent ADDRESS PROTOCOL` or `error ADDRESS PROTOCOL WHY` for each packet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char TEXT[] = "forged";
enum { TCP_HEADER = 20, ICMP_HEADER = 8, CHECKSUM_OF_TCP = 16, PROTOCOLS = 3 };
static const char *const names[PROTOCOLS] = { "udp", "tcp", "icmp" };

static uint16_t checksum(const uint8_t *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The kernel fills in the checksum for IPv6; for IPv4 we need our own address for it. */
static size_t make_tcp(uint8_t *packet, const struct sockaddr *target, uint16_t port)
{
	uint16_t ports[2] = { htons((uint16_t)(10000 + getpid() % 50000)), htons(port) };

	memcpy(packet, ports, sizeof ports);
	packet[7] = 1;
	packet[12] = TCP_HEADER / 4 << 4;
	packet[13] = 2;   /* SYN */
	packet[14] = 0x20;
	memcpy(packet + TCP_HEADER, TEXT, sizeof TEXT);
	size_t length = TCP_HEADER + sizeof TEXT;

	if (target->sa_family == AF_INET) {
		struct sockaddr_in own = { 0 };
		socklen_t size = sizeof own;
		int fd = socket(AF_INET, SOCK_DGRAM, 0), yes = 1;
		uint8_t pseudo[12] = { 0 };

		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
		if (connect(fd, target, sizeof(struct sockaddr_in)) == 0)
			getsockname(fd, (struct sockaddr *)&own, &size);
		close(fd);
		memcpy(pseudo, &own.sin_addr, 4);
		memcpy(pseudo + 4, &((const struct sockaddr_in *)target)->sin_addr, 4);
		pseudo[9] = IPPROTO_TCP;
		pseudo[11] = (uint8_t)length;
		uint32_t sum = 0;
		for (int i = 0; i < 12; i += 2)
			sum += (uint32_t)pseudo[i] << 8 | pseudo[i + 1];
		uint16_t result = checksum(packet, length, sum);
		memcpy(packet + CHECKSUM_OF_TCP, &result, sizeof result);
	}
	return length;
}

static size_t make_icmp(uint8_t *packet, int family)
{
	size_t length = ICMP_HEADER + sizeof TEXT;

	uint16_t identifier = htons((uint16_t)getpid());

	packet[0] = family == AF_INET ? 8 : 128;
	memcpy(packet + 4, &identifier, sizeof identifier);
	memcpy(packet + ICMP_HEADER, TEXT, sizeof TEXT);
	if (family == AF_INET) {
		uint16_t result = checksum(packet, length, 0);
		memcpy(packet + 2, &result, sizeof result);
	}
	return length;
}

static int knock(int protocol, const struct addrinfo *target, uint16_t port)
{
	static const int numbers[PROTOCOLS] = { 0, IPPROTO_TCP, IPPROTO_ICMP };
	int family = target->ai_family, yes = 1, place = CHECKSUM_OF_TCP;
	int number = protocol == 2 && family == AF_INET6 ? IPPROTO_ICMPV6 : numbers[protocol];
	int fd = socket(family, protocol == 0 ? SOCK_DGRAM : SOCK_RAW, number);
	uint8_t packet[64] = { 0 };
	size_t length = sizeof TEXT;
	struct sockaddr_storage address;

	if (fd < 0)
		return errno;
	memcpy(&address, target->ai_addr, target->ai_addrlen);
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
	if (protocol == 0)
		memcpy(packet, TEXT, sizeof TEXT);
	else if (protocol == 1)
		length = make_tcp(packet, target->ai_addr, port);
	else
		length = make_icmp(packet, family);
	if (protocol == 1 && family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_CHECKSUM, &place, sizeof place);
	/* A raw socket of IPv6 takes no port. */
	if (protocol != 0 && family == AF_INET6)
		((struct sockaddr_in6 *)&address)->sin6_port = 0;
	int result = sendto(fd, packet, length, 0, (struct sockaddr *)&address, target->ai_addrlen) < 0 ? errno : 0;
	close(fd);
	return result;
}

int main(int argc, char **argv)
{
	const struct addrinfo numeric = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM };

	for (int i = 2; i < argc; i++) {
		struct addrinfo *target;

		if (getaddrinfo(argv[i], argv[1], &numeric, &target) != 0) {
			printf("error %s - no address\n", argv[i]);
			continue;
		}
		for (int protocol = 0; protocol < PROTOCOLS; protocol++) {
			int error = knock(protocol, target, (uint16_t)atoi(argv[1]));

			if (error != 0)
				printf("error %s %s %s\n", argv[i], names[protocol], strerror(error));
			else
				printf("sent %s %s\n", argv[i], names[protocol]);
		}
		freeaddrinfo(target);
	}
	return 0;
}
