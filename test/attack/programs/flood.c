/*
 * Opens as many connections as it can: the first packet of each, from another port. To be run in the sender's network namespace, with all
 * the rights of the host. No answer is waited for.
 *
 * Usage: flood tcp|udp ADDRESS PORT COUNT
 * Prints how many packets were sent, and the milliseconds that took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { BATCH = 64, LENGTH = 20, FIRST_PORT = 1024, PORTS = 64000 };

static uint32_t sum_of(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return sum;
}

static void make(uint8_t *packet, bool tcp, uint16_t source, uint16_t target, uint32_t pseudo)
{
	uint16_t ports[2] = { htons(source), htons(target) };
	uint32_t sum;

	memset(packet, 0, LENGTH);
	memcpy(packet, ports, sizeof ports);
	if (!tcp) {
		packet[5] = LENGTH;   /* without a checksum, which UDP may be */
		return;
	}
	packet[7] = 1;
	packet[12] = 5 << 4;
	packet[13] = 2;   /* SYN */
	packet[14] = 0x20;
	sum = pseudo + sum_of(packet, LENGTH);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	packet[16] = (uint8_t)(~sum >> 8);
	packet[17] = (uint8_t)~sum;
}

static uint32_t pseudo_sum(const struct sockaddr_in *target)
{
	struct sockaddr_in own = { 0 };
	socklen_t size = sizeof own;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (connect(fd, (const struct sockaddr *)target, sizeof *target) < 0 || getsockname(fd, (struct sockaddr *)&own, &size) < 0) {
		perror("flood");
		exit(1);
	}
	return sum_of((const uint8_t *)&own.sin_addr, 4) + sum_of((const uint8_t *)&target->sin_addr, 4) + IPPROTO_TCP + LENGTH;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	static uint8_t packets[BATCH][LENGTH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];

	if (argc != 5)
		return 2;
	bool tcp = strcmp(argv[1], "tcp") == 0;
	struct sockaddr_in target = { .sin_family = AF_INET, .sin_addr.s_addr = inet_addr(argv[2]), .sin_port = htons((uint16_t)atoi(argv[3])) };
	uint16_t port = (uint16_t)atoi(argv[3]);
	long count = atol(argv[4]), sent = 0, begun = now_ms();
	uint32_t pseudo = pseudo_sum(&target);
	int fd = socket(AF_INET, SOCK_RAW, tcp ? IPPROTO_TCP : IPPROTO_UDP), size = 1 << 20;

	if (fd < 0) {
		perror("flood");
		return 1;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	for (long number = 0; number < count;) {
		unsigned filled = 0;

		for (; filled < BATCH && number < count; filled++, number++) {
			make(packets[filled], tcp, (uint16_t)(FIRST_PORT + number % PORTS), (uint16_t)(port + number / PORTS), pseudo);
			parts[filled] = (struct iovec){ .iov_base = packets[filled], .iov_len = LENGTH };
			messages[filled] = (struct mmsghdr){ .msg_hdr = { .msg_name = &target, .msg_namelen = sizeof target, .msg_iov = &parts[filled], .msg_iovlen = 1 } };
		}
		for (unsigned done = 0; done < filled;) {
			int result = sendmmsg(fd, messages + done, filled - done, 0);

			/* A refusal of an earlier packet comes back as an error of a later call. */
			if (result > 0) {
				done += (unsigned)result;
				sent += result;
			} else
				done++;
		}
	}
	printf("%ld %ld\n", sent, now_ms() - begun);
	return 0;
}
