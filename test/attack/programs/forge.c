/*
 * Sends raw Ethernet frames that are not what they say: foreign MAC, IPv4 and ARP addresses, and all of IPv6. From the host, with all its rights, in
 * the network namespace of whom it pretends to attack from.
 *
 * Usage: forge INTERFACE OWN-MAC PEER-MAC OWN-IP PEER-IP NEIGHBOUR-IP PORT COUNT
 * OWN is who sends, PEER the other end of the link, NEIGHBOUR somebody behind it. Each kind of frame in turn; all carry the text `forged`.
 * Prints how many were sent.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ETHERNET = 14, UDP = 17, TCP = 6, ICMP = 1, ICMP6 = 58, ROUTER_ADVERTISEMENT = 134, NEIGHBOUR_SOLICITATION = 135, NEIGHBOUR_ADVERTISEMENT = 136 };
static const char TEXT[] = "forged";

static uint8_t own_mac[6], peer_mac[6], frame[256];
static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 }, all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 }, bad_mac[6] = { 2, 0, 0, 0, 0, 0x99 };
static uint32_t own, peer, neighbour;
static uint16_t port;

static void parse_mac(const char *text, uint8_t *mac)
{
	unsigned part[6] = { 0 };

	sscanf(text, "%x:%x:%x:%x:%x:%x", &part[0], &part[1], &part[2], &part[3], &part[4], &part[5]);
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)part[i];
}

static uint32_t sum(uint32_t start, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < length; i++)
		start += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	return start;
}

static void put_checksum(uint8_t *place, uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	total = ~total;
	place[0] = (uint8_t)(total >> 8);
	place[1] = (uint8_t)total;
}

static uint8_t *ethernet(const uint8_t *to, const uint8_t *from, uint16_t type)
{
	memset(frame, 0, sizeof frame);
	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
	return frame + ETHERNET;
}

/* The part behind the IP header, its checksum but for the pseudo header's share included. */
static size_t put_body(uint8_t *body, uint8_t protocol, uint32_t pseudo)
{
	uint16_t ports[2] = { htons(9999), htons(port) };
	size_t length;

	switch (protocol) {
	case UDP:
		length = 8 + sizeof TEXT;
		memcpy(body, ports, 4);
		body[5] = (uint8_t)length;
		memcpy(body + 8, TEXT, sizeof TEXT);
		put_checksum(body + 6, sum(pseudo + (uint32_t)length, body, length));
		return length;
	case TCP:
		length = 20 + sizeof TEXT;
		memcpy(body, ports, 4);
		body[7] = 1;
		body[12] = 5 << 4;
		body[13] = 2;      /* SYN */
		body[14] = 0x20;   /* window */
		memcpy(body + 20, TEXT, sizeof TEXT);
		put_checksum(body + 16, sum(pseudo + (uint32_t)length, body, length));
		return length;
	default:
		length = 8 + sizeof TEXT;
		body[0] = 8;       /* echo request */
		memcpy(body + 8, TEXT, sizeof TEXT);
		put_checksum(body + 2, sum(0, body, length));
		return length;
	}
}

static size_t ipv4(const uint8_t *to, const uint8_t *from, uint8_t protocol, uint32_t source, uint32_t target, const char *options, size_t options_size, uint16_t fragment)
{
	uint8_t *ip = ethernet(to, from, 0x0800);
	size_t header = 20 + options_size, total;
	uint32_t pseudo = sum(sum(protocol, &source, 4), &target, 4);

	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[6] = (uint8_t)(fragment >> 8);
	ip[7] = (uint8_t)fragment;
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, &source, 4);
	memcpy(ip + 16, &target, 4);
	if (options != NULL)
		memcpy(ip + 20, options, options_size);
	total = header + put_body(ip + header, protocol, pseudo);
	ip[3] = (uint8_t)total;
	put_checksum(ip + 10, sum(0, ip, header));
	return ETHERNET + total;
}

static size_t plain(const uint8_t *from, uint8_t protocol, uint32_t source, uint32_t target)
{
	return ipv4(peer_mac, from, protocol, source, target, NULL, 0, 0);
}

/* The frame that is there, in a VLAN. */
static size_t tagged(size_t length)
{
	static const uint8_t tag[] = { 0x81, 0, 0, 1 };

	memmove(frame + 16, frame + 12, length - 12);
	memcpy(frame + 12, tag, sizeof tag);
	return length + sizeof tag;
}

static size_t arp(const uint8_t *to, uint8_t operation, const uint8_t *sender_mac, uint32_t sender, uint32_t target)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0 };
	uint8_t *body = ethernet(to, own_mac, 0x0806);

	memcpy(body, head, sizeof head);
	body[7] = operation;
	memcpy(body + 8, sender_mac, 6);
	memcpy(body + 14, &sender, 4);
	memcpy(body + 18, to, 6);
	memcpy(body + 24, &target, 4);
	memcpy(body + 28, TEXT, sizeof TEXT);
	return ETHERNET + 28 + sizeof TEXT;
}

/* Behind an IPv6 header from a link-local address to all nodes of the link. */
static size_t ipv6(uint8_t next, const uint8_t *body, size_t length)
{
	uint8_t *ip = ethernet(all_nodes_mac, own_mac, 0x86dd);

	ip[0] = 0x60;
	ip[5] = (uint8_t)length;
	ip[6] = next;
	ip[7] = 255;
	ip[8] = 0xfe;
	ip[9] = 0x80;
	ip[23] = 0x66;
	ip[24] = 0xff;
	ip[25] = 2;
	ip[39] = 1;
	memcpy(ip + 40, body, length);
	put_checksum(ip + 40 + (next == UDP ? 6 : 2), sum(sum((uint32_t)length + next, ip + 8, 32), ip + 40, length));
	return ETHERNET + 40 + length;
}

static size_t icmp6(uint8_t type)
{
	/* Router lifetime 1800 s; or the target, the sender's own; then options: source or target link-layer address, prefix 2001:db8:bad::/64 on this link, for addresses. */
	uint8_t body[80] = { type };
	size_t length;

	if (type == ROUTER_ADVERTISEMENT) {
		static const uint8_t prefix[] = { 3, 4, 64, 0xc0, 0, 0, 14, 16, 0, 0, 7, 8, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0x0b, 0xad };
		body[4] = 64;
		body[6] = 7;
		body[7] = 8;
		body[16] = 1;
		body[17] = 1;
		memcpy(body + 18, own_mac, 6);
		memcpy(body + 24, prefix, sizeof prefix);
		length = 56;
	} else {
		body[4] = type == NEIGHBOUR_ADVERTISEMENT ? 0x20 : 0;   /* override */
		body[8] = 0xfe;
		body[9] = 0x80;
		body[23] = 0x66;
		body[24] = type == NEIGHBOUR_ADVERTISEMENT ? 2 : 1;
		body[25] = 1;
		memcpy(body + 26, own_mac, 6);
		length = 32;
	}
	return ipv6(ICMP6, body, length);
}

static size_t udp6(void)
{
	uint8_t body[32] = { 0 };
	uint16_t ports[2] = { htons(9999), htons(port) };

	memcpy(body, ports, 4);
	body[5] = 8 + sizeof TEXT;
	memcpy(body + 8, TEXT, sizeof TEXT);
	return ipv6(UDP, body, 8 + sizeof TEXT);
}

static size_t make(int number)
{
	static const char source_route[] = { (char)131, 7, 4, 10, 0, 0, 1, 1 };
	uint32_t anybody = htonl(0x08000000 + (uint32_t)number * 7919), target = number % 2 == 0 ? peer : neighbour;
	uint8_t anything[6] = { 2, 0x77, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number, 1 };

	switch (number / 2 % 24) {
	case 0: return plain(own_mac, UDP, anybody, target);
	case 1: return plain(anything, UDP, own, target);
	case 2: return plain(anything, UDP, anybody, target);
	case 3: return plain(own_mac, UDP, neighbour, peer);
	case 4: return plain(own_mac, UDP, peer, target);
	case 5: return plain(own_mac, UDP, htonl(INADDR_LOOPBACK), target);
	case 6: return plain(own_mac, TCP, anybody, target);
	case 7: return plain(anything, TCP, own, target);
	case 8: return plain(own_mac, ICMP, anybody, target);
	case 9: return ipv4(broadcast, own_mac, UDP, anybody, htonl(INADDR_BROADCAST), NULL, 0, 0);
	case 10: return ipv4(broadcast, own_mac, UDP, 0, htonl(INADDR_BROADCAST), NULL, 0, 0);
	case 11: return ipv4(peer_mac, own_mac, UDP, anybody, target, source_route, sizeof source_route, 0);
	case 12: return ipv4(peer_mac, own_mac, UDP, anybody, target, NULL, 0, 0x2000);   /* more fragments */
	case 13: return tagged(plain(own_mac, UDP, anybody, target));
	case 14: return tagged(plain(own_mac, UDP, own, target));
	case 15: return arp(peer_mac, 2, own_mac, peer, own);
	case 16: return arp(broadcast, 2, own_mac, neighbour, neighbour);
	case 17: return arp(broadcast, 1, own_mac, anybody, peer);
	case 18: return arp(peer_mac, 2, bad_mac, own, peer);
	case 19: return arp(peer_mac, 1, bad_mac, neighbour, peer);
	case 20: return icmp6(ROUTER_ADVERTISEMENT);
	case 21: return icmp6(NEIGHBOUR_ADVERTISEMENT);
	case 22: return icmp6(NEIGHBOUR_SOLICITATION);
	default: return udp6();
	}
}

int main(int argc, char **argv)
{
	if (argc != 9)
		return 2;
	int fd = socket(AF_PACKET, SOCK_RAW, 0), count = atoi(argv[8]), sent = 0;
	struct sockaddr_ll link = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(argv[1]), .sll_halen = 6 };

	if (fd < 0 || link.sll_ifindex == 0) {
		perror("forge");
		return 1;
	}
	parse_mac(argv[2], own_mac);
	parse_mac(argv[3], peer_mac);
	own = inet_addr(argv[4]);
	peer = inet_addr(argv[5]);
	neighbour = inet_addr(argv[6]);
	port = (uint16_t)atoi(argv[7]);
	for (int i = 0; i < count; i++) {
		size_t length = make(i);

		if (sendto(fd, frame, length, 0, (struct sockaddr *)&link, sizeof link) == (ssize_t)length)
			sent++;
	}
	printf("%d\n", sent);
	return 0;
}
