#include "launcher/shape.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>

#include "lib/fault.h"
#include "launcher/link.h"
#include "launcher/steps.h"

enum { SHAPE_BATCH_SIZE = 2048, PRIORITY = 1 };

/* The numbers that our discs and our filter have, so that the same message makes them and changes them. */
#define BUCKET_HANDLE (UINT32_C(1) << 16)
#define INGRESS_HANDLE UINT32_C(0xffff0000)
#define FILTER_HANDLE UINT32_C(0x80000800)   /* 800::800, the first of the first u32 table */

static struct tcmsg *put_message(struct netlink_batch *batch, uint16_t type, uint16_t flags, int index, uint32_t handle, uint32_t parent)
{
	struct tcmsg *header = netlink_message(batch, type, flags, sizeof(*header));

	if (header == NULL)
		return NULL;
	header->tcm_ifindex = index;
	header->tcm_handle = handle;
	header->tcm_parent = parent;
	return header;
}

static void put_filter_message(struct netlink_batch *batch, uint16_t type, uint16_t flags, int index)
{
	struct tcmsg *header = put_message(batch, type, flags, index, FILTER_HANDLE, INGRESS_HANDLE);

	if (header != NULL)
		header->tcm_info = TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL));
	netlink_put_string(batch, TCA_KIND, "u32");
}

void shape_put_bucket(struct netlink_batch *batch, int index, const struct bucket *bucket, uint32_t mtu)
{
	struct tbf_parameters parameters;

	tbf_parameters_of(bucket, mtu, &parameters);
	put_message(batch, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, index, BUCKET_HANDLE, TC_H_ROOT);
	netlink_put_string(batch, TCA_KIND, "tbf");
	struct nlattr *options = netlink_nest(batch, TCA_OPTIONS);

	netlink_put(batch, TCA_TBF_PARMS, &parameters.options, sizeof(parameters.options));
	netlink_put(batch, TCA_TBF_RATE64, &parameters.rate, sizeof(parameters.rate));
	netlink_put_u32(batch, TCA_TBF_BURST, parameters.bucket_size);
	netlink_nest_end(batch, options);
}

void shape_put_redirect(struct netlink_batch *batch, int from, int to)
{
	struct {
		struct tc_u32_sel selector;
		struct tc_u32_key key;   /* no bit of the packet has to match */
	} everything = { .selector = { .flags = TC_U32_TERMINAL, .nkeys = 1 } };
	const struct tc_mirred redirect = { .action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = (uint32_t)to };

	put_message(batch, RTM_NEWQDISC, NLM_F_CREATE, from, INGRESS_HANDLE, TC_H_INGRESS);
	netlink_put_string(batch, TCA_KIND, "ingress");

	put_filter_message(batch, RTM_NEWTFILTER, NLM_F_CREATE, from);
	struct nlattr *options = netlink_nest(batch, TCA_OPTIONS);

	netlink_put(batch, TCA_U32_SEL, &everything, sizeof(everything));
	struct nlattr *actions = netlink_nest(batch, TCA_U32_ACT);
	struct nlattr *first = netlink_nest(batch, 1);

	netlink_put_string(batch, TCA_ACT_KIND, "mirred");
	struct nlattr *mirred = netlink_nest(batch, TCA_ACT_OPTIONS);

	netlink_put(batch, TCA_MIRRED_PARMS, &redirect, sizeof(redirect));
	netlink_nest_end(batch, mirred);
	netlink_nest_end(batch, first);
	netlink_nest_end(batch, actions);
	netlink_nest_end(batch, options);
}

/* ECHO: the kernel tells only listeners of a disc that was asked for, and with it the asker, too. A dump would list those of all interfaces. */
void shape_put_questions(struct netlink_batch *batch, int host, int ifb)
{
	put_message(batch, RTM_GETQDISC, NLM_F_ECHO, host, 0, TC_H_ROOT);
	if (ifb == 0)
		return;
	put_message(batch, RTM_GETQDISC, NLM_F_ECHO, ifb, 0, TC_H_ROOT);
	put_filter_message(batch, RTM_GETTFILTER, 0, host);
}

static int apply(int rtnetlink, struct netlink_batch *batch, const char *object, struct error *err)
{
	struct netlink_answer answer;
	int result = netlink_apply(rtnetlink, batch, &answer);

	if (result == 0)
		return 0;
	return error_set(err, -result, "%s, message %u%s%s", object, answer.index, answer.text[0] != '\0' ? ": " : "", answer.text);
}

static int create_ifb(int rtnetlink, const struct shape_link *link, struct error *err)
{
	_Alignas(struct nlmsghdr) char bytes[SHAPE_BATCH_SIZE];
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	netlink_message(&batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	netlink_put_string(&batch, IFLA_IFNAME, link->ifb_name);
	netlink_put_u32(&batch, IFLA_MTU, link->mtu);
	struct nlattr *information = netlink_nest(&batch, IFLA_LINKINFO);

	netlink_put_string(&batch, IFLA_INFO_KIND, "ifb");
	netlink_nest_end(&batch, information);
	return apply(rtnetlink, &batch, link->ifb_name, err);
}

/* A root that is changed while its interface is up costs a grace period, so the ifb gets its own before. */
static void put_ifb(struct netlink_batch *batch, int index, const struct shape_link *link, const struct bucket *bucket)
{
	if (link->alias[0] != '\0') {
		struct ifinfomsg *header = netlink_message(batch, RTM_SETLINK, 0, sizeof(*header));

		if (header != NULL)
			header->ifi_index = index;
		netlink_put(batch, IFLA_IFALIAS, link->alias, strlen(link->alias));
	}
	link_put_no_ipv6_address(batch, index);
	shape_put_bucket(batch, index, bucket, link->mtu);
	link_put_up(batch, index);
}

static int find_host(int rtnetlink, const struct shape_link *link, struct error *err)
{
	int index = link_find_index(rtnetlink, link->host_name);

	if (index == 0)
		error_set(err, errno, "%s", link->host_name);
	return index;
}

int shape_set(int rtnetlink, const struct shape_link *link, const struct bucket *bucket, struct error *err)
{
	_Alignas(struct nlmsghdr) char bytes[SHAPE_BATCH_SIZE];
	struct netlink_batch batch;

	if (step_begin(STEP_LIMIT_BANDWIDTH, err) < 0)
		return -1;
	int host = find_host(rtnetlink, link, err);

	if (host == 0)
		return -1;
	if (!link_exists(rtnetlink, link->ifb_name) && create_ifb(rtnetlink, link, err) < 0)
		return -1;
	int ifb = link_find_index(rtnetlink, link->ifb_name);

	if (ifb == 0)
		return error_set(err, errno, "%s", link->ifb_name);
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	put_ifb(&batch, ifb, link, bucket);
	shape_put_bucket(&batch, host, bucket, link->mtu);
	shape_put_redirect(&batch, host, ifb);
	return apply(rtnetlink, &batch, link->host_name, err);
}

struct reading {
	const struct shape_link *link;
	int host;
	int ifb;
	bool redirected;
	struct shape *shape;
};

static void read_message(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;
	const struct tcmsg *header = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return;
	if (message->nlmsg_type == RTM_NEWTFILTER)
		reading->redirected |= header->tcm_ifindex == reading->host && redirect_leads_to(message, reading->ifb);
	else if (message->nlmsg_type == RTM_NEWQDISC && header->tcm_ifindex == reading->host)
		reading->shape->inbound = tbf_read(message, reading->link->mtu);
	else if (message->nlmsg_type == RTM_NEWQDISC && header->tcm_ifindex == reading->ifb)
		reading->shape->outbound = tbf_read(message, reading->link->mtu);
}

int shape_get(int rtnetlink, const struct shape_link *link, struct shape *ret_shape, struct error *err)
{
	_Alignas(struct nlmsghdr) char bytes[SHAPE_BATCH_SIZE];
	struct netlink_batch batch;

	*ret_shape = (struct shape){ 0 };
	if (step_begin(STEP_READ_BANDWIDTH, err) < 0)
		return -1;
	struct reading reading = { .link = link, .shape = ret_shape, .host = find_host(rtnetlink, link, err) };

	if (reading.host == 0)
		return -1;
	reading.ifb = link_find_index(rtnetlink, link->ifb_name);
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	shape_put_questions(&batch, reading.host, reading.ifb);
	int result = netlink_query(rtnetlink, &batch, read_message, &reading);

	if (result < 0)
		return error_set(err, -result, "%s", link->host_name);
	if (!reading.redirected)
		ret_shape->outbound = (struct bucket){ 0 };
	return 0;
}

void shape_clear(int rtnetlink, const char *host_name)
{
	_Alignas(struct nlmsghdr) char bytes[SHAPE_BATCH_SIZE];
	struct netlink_batch batch;
	struct error ignored;
	int host = link_find_index(rtnetlink, host_name);

	if (host == 0)
		return;
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	put_message(&batch, RTM_DELQDISC, 0, host, INGRESS_HANDLE, TC_H_INGRESS);
	put_message(&batch, RTM_DELQDISC, 0, host, BUCKET_HANDLE, TC_H_ROOT);
	apply(rtnetlink, &batch, host_name, &ignored);
}

int shape_remove_ifb(int rtnetlink, const char *ifb_name, struct error *err)
{
	int index = link_find_index(rtnetlink, ifb_name);

	return index == 0 ? 0 : link_remove(rtnetlink, ifb_name, index, err);
}
