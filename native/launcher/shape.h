/*
 * How much a container's link carries, in each direction, by token buckets of the kernel (tc-tbf(8)) over rtnetlink.
 *
 * To the container: a tbf as the root of the link's host end. From the container: what comes in at the host end is redirected (a u32 filter
 * that matches everything, action mirred) to an interface of kind ifb, whose root is another tbf; from there packets go on as if they had just
 * come in, so that the firewall sees them as ever. The ifb is made with the first limit. When it goes before the redirection does, packets
 * of the container are dropped.
 *
 * A bucket smaller than one packet would let none of that size through: the kernel's bucket holds one at least. The burst that was asked for can be read
 * back nevertheless: the queue's limit is the burst and a length that follows from the rate.
 */
#ifndef LAUNCHER_SHAPE_H
#define LAUNCHER_SHAPE_H

#include <linux/pkt_sched.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "launcher/netlink.h"

#define SHAPE_MAX_RATE (UINT64_C(1) << 40)
#define SHAPE_MAX_BURST (UINT64_C(1) << 31)

enum { SHAPE_ALIAS_SIZE = 128 };

/* A token bucket: bytes per second, bytes. Rate 0: there is none. */
struct bucket {
	uint64_t rate;
	uint64_t burst;
};

struct shape_link {
	char host_name[IFNAMSIZ];
	char ifb_name[IFNAMSIZ];
	char alias[SHAPE_ALIAS_SIZE];   /* of the ifb, to know whose it is; may be empty */
	uint32_t mtu;
};

/* What is in force. */
struct shape {
	struct bucket inbound;    /* to the container */
	struct bucket outbound;   /* from it */
};

/* What the kernel is told of a bucket. */
struct tbf_parameters {
	struct tc_tbf_qopt options;
	uint64_t rate;
	uint32_t bucket_size;
};

void tbf_parameters_of(const struct bucket *bucket, uint32_t mtu, struct tbf_parameters *ret_parameters);

/* The bucket that a RTM_NEWQDISC message of the kernel's tells of; rate 0 when it is of another kind. */
struct bucket tbf_read(const struct nlmsghdr *message, uint32_t mtu);

/* Whether a RTM_NEWTFILTER message of the kernel's redirects everything to that interface. */
bool redirect_leads_to(const struct nlmsghdr *message, int index);

/* The messages, without a socket. */
void shape_put_bucket(struct netlink_batch *batch, int index, const struct bucket *bucket, uint32_t mtu);
void shape_put_redirect(struct netlink_batch *batch, int from, int to);
void shape_put_questions(struct netlink_batch *batch, int host, int ifb);

/* Sets both directions, also where there is a limit already. ENODEV: there is no such link. What a failure leaves is for shape_clear() and shape_remove_ifb(). */
int shape_set(int rtnetlink, const struct shape_link *link, const struct bucket *bucket, struct error *err);

/* What the kernel has. ENODEV: there is no such link. */
int shape_get(int rtnetlink, const struct shape_link *link, struct shape *ret_shape, struct error *err);

/* Takes the bucket and the redirection off the host end; what is not there is no error. */
void shape_clear(int rtnetlink, const char *host_name);

/* Removes the ifb: some 20 ms. One that is not there is no error. */
int shape_remove_ifb(int rtnetlink, const char *ifb_name, struct error *err);

#endif
