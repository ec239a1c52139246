/* The messages of a bandwidth limit, and what is read of the kernel's, which is built here as the kernel builds it. */
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>

#include "launcher/shape.h"
#include "test/tap.h"

enum { MTU = 1500, PACKET = 1514 };

static _Alignas(8) char bytes[4096];

/* What the kernel would tell of a disc that was set with these parameters. */
static const struct nlmsghdr *disc_message(const char *kind, const struct tbf_parameters *parameters)
{
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	netlink_message(&batch, RTM_NEWQDISC, 0, sizeof(struct tcmsg));
	netlink_put_string(&batch, TCA_KIND, kind);
	struct nlattr *options = netlink_nest(&batch, TCA_OPTIONS);

	netlink_put(&batch, TCA_TBF_PARMS, &parameters->options, sizeof(parameters->options));
	if (parameters->rate > UINT32_MAX)
		netlink_put(&batch, TCA_TBF_RATE64, &parameters->rate, sizeof(parameters->rate));
	netlink_nest_end(&batch, options);
	return (const struct nlmsghdr *)bytes;
}

static bool reads_back(uint64_t rate, uint64_t burst, uint32_t ticks_off)
{
	const struct bucket asked = { .rate = rate, .burst = burst };
	struct tbf_parameters parameters;

	tbf_parameters_of(&asked, MTU, &parameters);
	parameters.options.buffer += ticks_off;
	struct bucket read = tbf_read(disc_message("tbf", &parameters), MTU);

	return read.rate == rate && read.burst == burst;
}

static void test_parameters(void)
{
	struct tbf_parameters parameters;

	tbf_parameters_of(&(struct bucket){ .rate = 1000000, .burst = 100000 }, MTU, &parameters);
	CHECK(parameters.bucket_size == 100000 && parameters.options.rate.rate == 1000000, "a bucket has the size and the rate that were asked for");
	CHECK(parameters.options.limit == 100000 + 50000, "a twentieth of a second may wait behind it");
	CHECK(parameters.options.buffer == 100000000 / 64, "its time is in ticks of 64 ns");
	tbf_parameters_of(&(struct bucket){ .rate = 1000, .burst = 10 }, MTU, &parameters);
	CHECK(parameters.bucket_size == PACKET, "a bucket holds one packet at least");
	CHECK(parameters.options.limit == 10 + 16 * PACKET, "and sixteen may wait");
	tbf_parameters_of(&(struct bucket){ .rate = SHAPE_MAX_RATE, .burst = SHAPE_MAX_BURST }, MTU, &parameters);
	CHECK(parameters.options.limit == SHAPE_MAX_BURST + (1u << 30) && parameters.options.rate.rate == UINT32_MAX && parameters.rate == SHAPE_MAX_RATE,
		"the largest of all overflows nothing");
}

static void test_reading(void)
{
	static const uint64_t rates[] = { 1, 999, 1000000, UINT32_MAX, UINT64_C(1) << 32, SHAPE_MAX_RATE };
	static const uint64_t bursts[] = { 1, 1513, 1514, 65536, SHAPE_MAX_BURST };
	struct tbf_parameters parameters;
	bool exact = true;

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		for (size_t j = 0; j < sizeof(bursts) / sizeof(bursts[0]); j++)
			exact &= reads_back(rates[i], bursts[j], 0) && reads_back(rates[i], bursts[j], 1) && reads_back(rates[i], bursts[j], (uint32_t)-1);
	CHECK(exact, "what was set is read back exactly, also when the kernel rounds the time another way");
	CHECK(!reads_back(1000000, 100000, 1000), "what is another's is not taken for it");
	tbf_parameters_of(&(struct bucket){ .rate = 1000000, .burst = 100000 }, MTU, &parameters);
	parameters.options.limit = 7;
	struct bucket read = tbf_read(disc_message("tbf", &parameters), MTU);

	CHECK(read.rate == 1000000 && read.burst == 100000, "the burst of another's follows from its time");
	CHECK(tbf_read(disc_message("htb", &parameters), MTU).rate == 0, "a disc of another kind is no bucket");
	struct nlmsghdr *cut = (struct nlmsghdr *)bytes;

	disc_message("tbf", &parameters);
	cut->nlmsg_len = MNL_NLMSG_HDRLEN + sizeof(struct tcmsg);
	CHECK(tbf_read(cut, MTU).rate == 0, "nor is a message without attributes");
}

static void test_redirect(void)
{
	struct netlink_batch batch;

	netlink_batch_init(&batch, bytes, sizeof(bytes));
	shape_put_redirect(&batch, 3, 4);
	const struct nlmsghdr *filter = batch.message;

	CHECK(!batch.full && batch.count == 2, "a redirection is a disc and a filter");
	CHECK(filter->nlmsg_type == RTM_NEWTFILTER && redirect_leads_to(filter, 4), "which leads where it should");
	CHECK(!redirect_leads_to(filter, 3), "and nowhere else");
	netlink_batch_init(&batch, bytes, 200);
	shape_put_bucket(&batch, 3, &(struct bucket){ .rate = 1, .burst = 1 }, MTU);
	shape_put_redirect(&batch, 3, 4);
	CHECK(batch.full, "what does not fit is noticed");
	netlink_batch_init(&batch, bytes, sizeof(bytes));
	shape_put_questions(&batch, 3, 0);
	CHECK(batch.count == 1, "without an ifb nothing is asked about it");
}

int main(void)
{
	test_parameters();
	test_reading();
	test_redirect();
	return tap_end();
}
