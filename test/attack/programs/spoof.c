/*
 * Sends UDP packets, ARP replies and IPv6 frames as raw Ethernet frames with addresses that are not its own.
 * Usage: spoof INTERFACE GATEWAY-MAC TARGET-IP TARGET-PORT SOURCE-IP SOURCE-MAC COUNT
 * The source address `random` takes another one for each packet. Prints how many frames were sent.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void parse_mac(const char *text, uint8_t *mac)
{
	unsigned part[6] = { 0 };
	sscanf(text, "%x:%x:%x:%x:%x:%x", &part[0], &part[1], &part[2], &part[3], &part[4], &part[5]);
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t) part[i];
}

static uint16_t checksum(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t) (bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t) ~sum);
}

static size_t udp_frame(uint8_t *frame, uint32_t source, uint32_t target, uint16_t port)
{
	static const char data[] = "spoofed";
	uint8_t *ip = frame + 14, *udp = ip + 20;
	frame[12] = 0x08;
	frame[13] = 0x00;
	memset(ip, 0, 28);
	uint16_t total = htons(28 + sizeof data), length = htons(8 + sizeof data), source_port = htons(9999), target_port = htons(port);
	ip[0] = 0x45;
	memcpy(ip + 2, &total, 2);
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, &source, 4);
	memcpy(ip + 16, &target, 4);
	uint16_t sum = checksum(ip, 20);
	memcpy(ip + 10, &sum, 2);
	memcpy(udp, &source_port, 2);
	memcpy(udp + 2, &target_port, 2);
	memcpy(udp + 4, &length, 2);
	memcpy(udp + 8, data, sizeof data);
	return 14 + 28 + sizeof data;
}

/* An ARP reply that claims `source` for our MAC. */
static size_t arp_frame(uint8_t *frame, uint32_t source, uint32_t target)
{
	static const uint8_t head[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 2 };
	memcpy(frame + 12, head, sizeof head);
	memcpy(frame + 22, frame + 6, 6);
	memcpy(frame + 28, &source, 4);
	memcpy(frame + 32, frame, 6);
	memcpy(frame + 38, &target, 4);
	return 42;
}

int main(int argc, char **argv)
{
	if (argc != 8)
		return 2;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0) {
		perror("socket");
		return 1;
	}
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = (int) if_nametoindex(argv[1]), .sll_halen = 6 };
	uint8_t frame[128] = { 0 };
	parse_mac(argv[2], frame);
	parse_mac(argv[6], frame + 6);
	uint32_t target = inet_addr(argv[3]);
	int count = atoi(argv[7]), sent = 0;
	for (int i = 0; i < count; i++) {
		uint32_t source = strcmp(argv[5], "random") ? inet_addr(argv[5]) : htonl((uint32_t) (0x08000000 + i * 7919));
		size_t length = i % 10 == 9 ? arp_frame(frame, source, target) : udp_frame(frame, source, target, (uint16_t) atoi(argv[4]));
		if (sendto(fd, frame, length, 0, (struct sockaddr *) &address, sizeof address) == (ssize_t) length)
			sent++;
	}
	printf("%d\n", sent);
	return 0;
}
