/* What the kernel is told of a bucket, and what it tells. Pure. */
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>

#include "launcher/shape.h"

#define NS_PER_SECOND UINT64_C(1000000000)

enum {
	ETHERNET_HEADER = 14,
	QUEUE_PER_SECOND = 20,    /* packets wait for at most 1/20 s at the rate … */
	QUEUE_MIN_PACKETS = 16,   /* … but so many may wait in any case */
	NS_PER_TICK = 64,         /* PSCHED_SHIFT 6 of the kernel, the same for every clock since 2.6.28 */
};

static const uint64_t QUEUE_MAX = UINT64_C(1) << 30;

static uint32_t packet_size(uint32_t mtu)
{
	return mtu + ETHERNET_HEADER;
}

static uint64_t queue_length(uint64_t rate, uint32_t mtu)
{
	uint64_t length = rate / QUEUE_PER_SECOND, least = (uint64_t)QUEUE_MIN_PACKETS * packet_size(mtu);

	if (length > QUEUE_MAX)
		return QUEUE_MAX;
	return length < least ? least : length;
}

static uint32_t bucket_size(uint64_t burst, uint32_t mtu)
{
	return (uint32_t)(burst < packet_size(mtu) ? packet_size(mtu) : burst);
}

/* The time that so many bytes take; the kernel gives it out as 32 bits, whatever is lost. */
static uint32_t ticks_of(uint64_t bytes, uint64_t rate)
{
	return (uint32_t)((unsigned __int128)bytes * NS_PER_SECOND / rate / NS_PER_TICK);
}

void tbf_parameters_of(const struct bucket *bucket, uint32_t mtu, struct tbf_parameters *ret_parameters)
{
	*ret_parameters = (struct tbf_parameters){
		.rate = bucket->rate,
		.bucket_size = bucket_size(bucket->burst, mtu),
		.options = {
			.limit = (uint32_t)(bucket->burst + queue_length(bucket->rate, mtu)),
			.rate = { .linklayer = TC_LINKLAYER_ETHERNET, .rate = bucket->rate > UINT32_MAX ? UINT32_MAX : (uint32_t)bucket->rate },
		},
	};
	ret_parameters->options.buffer = ticks_of(ret_parameters->bucket_size, bucket->rate);
}

/* The kernel calculates with a reciprocal of 31 bits at least. */
static bool agree(uint32_t ticks, uint32_t expected)
{
	uint32_t difference = ticks - expected, tolerance = 2 + (expected >> 24);

	return difference <= tolerance || -difference <= tolerance;
}

static const struct nlattr *find(const void *attributes, size_t size, uint16_t type)
{
	const struct nlattr *attribute = attributes;
	const char *end = (const char *)attributes + size;

	for (; mnl_attr_ok(attribute, (int)(end - (const char *)attribute)); attribute = mnl_attr_next(attribute))
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

static const struct nlattr *find_nested(const struct nlattr *outer, uint16_t type)
{
	return outer != NULL ? find(mnl_attr_get_payload(outer), mnl_attr_get_payload_len(outer), type) : NULL;
}

static const struct nlattr *find_in(const struct nlmsghdr *message, uint16_t type)
{
	const char *start = (const char *)mnl_nlmsg_get_payload(message) + MNL_ALIGN(sizeof(struct tcmsg));

	if (mnl_nlmsg_get_payload_len(message) < MNL_ALIGN(sizeof(struct tcmsg)))
		return NULL;
	return find(start, (size_t)((const char *)mnl_nlmsg_get_payload_tail(message) - start), type);
}

static bool read_value(const struct nlattr *attribute, void *ret_value, size_t size)
{
	if (attribute == NULL || mnl_attr_get_payload_len(attribute) < size)
		return false;
	memcpy(ret_value, mnl_attr_get_payload(attribute), size);
	return true;
}

static bool is_of_kind(const struct nlattr *attribute, const char *kind)
{
	return attribute != NULL && mnl_attr_get_payload_len(attribute) == strlen(kind) + 1 && memcmp(mnl_attr_get_payload(attribute), kind, strlen(kind) + 1) == 0;
}

struct bucket tbf_read(const struct nlmsghdr *message, uint32_t mtu)
{
	const struct nlattr *options = find_in(message, TCA_OPTIONS);
	struct tc_tbf_qopt parameters;
	struct bucket bucket = { 0 };

	if (!is_of_kind(find_in(message, TCA_KIND), "tbf") || !read_value(find_nested(options, TCA_TBF_PARMS), &parameters, sizeof(parameters)))
		return bucket;
	if (!read_value(find_nested(options, TCA_TBF_RATE64), &bucket.rate, sizeof(bucket.rate)))
		bucket.rate = parameters.rate.rate;
	if (bucket.rate == 0)
		return bucket;
	/* The kernel gives out the bucket's size as a time, in ticks, which says less than a byte; the limit of a queue of ours says it exactly. */
	uint64_t burst = parameters.limit - queue_length(bucket.rate, mtu);

	if (burst != 0 && burst <= SHAPE_MAX_BURST && agree(parameters.buffer, ticks_of(bucket_size(burst, mtu), bucket.rate)))
		bucket.burst = burst;
	else
		bucket.burst = (uint64_t)((unsigned __int128)parameters.buffer * NS_PER_TICK * bucket.rate / NS_PER_SECOND);
	return bucket;
}

bool redirect_leads_to(const struct nlmsghdr *message, int index)
{
	const struct nlattr *action = find_nested(find_nested(find_in(message, TCA_OPTIONS), TCA_U32_ACT), 1);
	struct tc_mirred mirred;

	if (!is_of_kind(find_in(message, TCA_KIND), "u32") || !is_of_kind(find_nested(action, TCA_ACT_KIND), "mirred"))
		return false;
	if (!read_value(find_nested(find_nested(action, TCA_ACT_OPTIONS), TCA_MIRRED_PARMS), &mirred, sizeof(mirred)))
		return false;
	return mirred.eaction == TCA_EGRESS_REDIR && mirred.ifindex == (uint32_t)index;
}
