/* What is read of CREATE and FIREWALL messages, and what is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/description.h"
#include "test/tap.h"

static void put_link(struct wire_buffer *buffer, const char *host_name, uint8_t first_mac_byte, uint32_t prefix)
{
	size_t link = wire_open(buffer, TAG_LINK);
	const uint8_t mac[6] = { first_mac_byte, 1, 2, 3, 4, 5 }, address[4] = { 10, 254, 0, 1 };

	wire_put_string(buffer, TAG_HOST_NAME, host_name);
	wire_put_string(buffer, TAG_CONTAINER_NAME, "w-a-1");
	wire_put_bytes(buffer, TAG_HOST_MAC, mac, sizeof(mac));
	wire_put_bytes(buffer, TAG_CONTAINER_MAC, mac, sizeof(mac));
	wire_put_bytes(buffer, TAG_HOST_ADDRESS, address, sizeof(address));
	wire_put_bytes(buffer, TAG_CONTAINER_ADDRESS, address, sizeof(address));
	wire_put_u32(buffer, TAG_PREFIX, prefix);
	wire_put_u32(buffer, TAG_MTU, 1400);
	wire_close(buffer, link);
}

static void put_element(struct wire_buffer *buffer, uint32_t operation, size_t key_size, size_t key_end_size)
{
	size_t element = wire_open(buffer, TAG_ELEMENT);
	const uint8_t key[128] = { 7 };

	wire_put_u32(buffer, TAG_OPERATION, operation);
	wire_put_u32(buffer, TAG_FAMILY, 1);
	wire_put_string(buffer, TAG_TABLE, "table");
	wire_put_string(buffer, TAG_SET, "set");
	wire_put_bytes(buffer, TAG_KEY, key, key_size);
	if (key_end_size > 0)
		wire_put_bytes(buffer, TAG_KEY_END, key, key_end_size);
	wire_close(buffer, element);
}

static void put_mount(struct wire_buffer *buffer, const char *source)
{
	size_t mount = wire_open(buffer, TAG_MOUNT);

	wire_put_string(buffer, TAG_SOURCE, source);
	wire_put_u32(buffer, TAG_FLAGS, MOUNT_FLAG_RECURSIVE);
	wire_close(buffer, mount);
}

static void put_cgroup(struct wire_buffer *buffer, const char *path)
{
	size_t cgroup = wire_open(buffer, TAG_CGROUP);

	wire_put_string(buffer, TAG_PATH, path);
	wire_put_u32(buffer, TAG_VERSION, 1);
	wire_close(buffer, cgroup);
}

static void put_least(struct wire_buffer *buffer)
{
	wire_begin(buffer, WIRE_CREATE);
	wire_put_u32(buffer, TAG_REQUEST, 42);
	wire_put_string(buffer, TAG_ID, "0123abc");
	wire_put_string(buffer, TAG_DIRECTORY, "/depot/0123abc");
	wire_put_string(buffer, TAG_LOWER, "/root");
}

/* Ends the frame, reads it, and frees it. Returns 0 or the errno. */
static int read_it(struct wire_buffer *buffer, struct description *ret_description)
{
	struct error err = { 0 };

	wire_end(buffer, &err);
	return description_read(ret_description, buffer->data + WIRE_HEADER_SIZE, buffer->size - WIRE_HEADER_SIZE, &err) < 0 ? err.number : 0;
}

static void test_whole(void)
{
	struct wire_buffer buffer = { 0 };
	struct description description;
	uint32_t request = 0;
	struct error err = { 0 };

	put_least(&buffer);
	wire_put_string(&buffer, TAG_LOWER, "/second");
	put_mount(&buffer, "/data");
	put_cgroup(&buffer, "/sys/fs/cgroup/memory/warden/0123abc");
	put_link(&buffer, "w-a-0", 2, 30);
	put_element(&buffer, ELEMENT_ADD, 24, 0);
	put_element(&buffer, ELEMENT_ENSURE, 24, 24);
	wire_put_string(&buffer, TAG_HOSTNAME, "for the monitor");
	CHECK(read_it(&buffer, &description) == 0, "a whole description is read");
	CHECK(description.request == 42 && strcmp(description.id, "0123abc") == 0, "request and id");
	CHECK(description.deadline_ms == DESCRIPTION_DEFAULT_DEADLINE_MS, "the deadline has a default");
	CHECK(description.lower_count == 2 && strcmp(description.lowers[1], "/second") == 0, "layers keep their order");
	CHECK(description.mount_count == 1 && description.mounts[0].flags == MOUNT_FLAG_RECURSIVE, "mounts have flags");
	CHECK(description.cgroup_count == 1, "cgroups are counted");
	CHECK(description.has_link && description.link.mtu == 1400 && strcmp(description.link.host_name, "w-a-0") == 0, "the link");
	CHECK(description.element_count == 2 && description.elements[0].key_size == 24 && description.elements[0].key_end_size == 0 &&
	      description.elements[1].key_end_size == 24, "elements, with and without an end of their interval");
	CHECK(description_read_request(buffer.data + WIRE_HEADER_SIZE, buffer.size - WIRE_HEADER_SIZE, &request, &err) == 0 && request == 42,
		"the request's number alone");
	description_free(&description);

	/* No prefix of a message may be read beyond its end: the sanitizers watch. */
	size_t size = buffer.size - WIRE_HEADER_SIZE;
	bool refused = true;

	for (size_t length = 0; length < size; length++) {
		uint8_t *part = malloc(length + 1);

		memcpy(part, buffer.data + WIRE_HEADER_SIZE, length);
		if (description_read(&description, part, length, &err) < 0)
			refused &= err.number == EBADMSG || err.number == EINVAL;
		description_free(&description);
		free(part);
	}
	CHECK(refused, "every prefix is read, or refused as malformed");
	wire_buffer_free(&buffer);
}

enum changed { WITHOUT_ANYTHING, LINK_NAME, LINK_MAC, LINK_PREFIX, KEY_EMPTY, KEY_LONG, KEY_END, OPERATION, SOURCE, CGROUP_DOTS, CGROUP_ROOT, DEADLINE, ID };

static int read_changed(enum changed changed)
{
	struct wire_buffer buffer = { 0 };
	struct description description;

	put_least(&buffer);
	switch (changed) {
	case WITHOUT_ANYTHING:
		buffer.size = WIRE_HEADER_SIZE;
		break;
	case LINK_NAME:
		put_link(&buffer, "w/a", 2, 30);
		break;
	case LINK_MAC:
		put_link(&buffer, "w-a-0", 3, 30);
		break;
	case LINK_PREFIX:
		put_link(&buffer, "w-a-0", 2, 32);
		break;
	case KEY_EMPTY:
		put_element(&buffer, ELEMENT_ADD, 0, 0);
		break;
	case KEY_LONG:
		put_element(&buffer, ELEMENT_ADD, FIREWALL_VALUE_MAX + 1, 0);
		break;
	case KEY_END:
		put_element(&buffer, ELEMENT_ADD, 8, 4);
		break;
	case OPERATION:
		put_element(&buffer, 4, 8, 0);
		break;
	case SOURCE:
		put_mount(&buffer, "data");
		break;
	case CGROUP_DOTS:
		put_cgroup(&buffer, "/sys/fs/cgroup/../x");
		break;
	case CGROUP_ROOT:
		put_cgroup(&buffer, "/");
		break;
	case DEADLINE:
		wire_put_u32(&buffer, TAG_DEADLINE_MS, DESCRIPTION_MAX_DEADLINE_MS + 1);
		break;
	case ID:
		wire_put_string(&buffer, TAG_ID, "../x");
		break;
	}
	int number = read_it(&buffer, &description);

	description_free(&description);
	wire_buffer_free(&buffer);
	return number;
}

static void test_refusals(void)
{
	CHECK(read_changed(WITHOUT_ANYTHING) == EINVAL, "an empty description is refused");
	CHECK(read_changed(LINK_NAME) == EINVAL, "an interface name with a slash is refused");
	CHECK(read_changed(LINK_MAC) == EINVAL, "a group address of the hardware is refused");
	CHECK(read_changed(LINK_PREFIX) == EINVAL, "a prefix that leaves one address is refused");
	CHECK(read_changed(KEY_EMPTY) == EINVAL, "an empty key is refused");
	CHECK(read_changed(KEY_LONG) == EINVAL, "a key longer than the kernel takes is refused");
	CHECK(read_changed(KEY_END) == EINVAL, "ends of an interval of different lengths are refused");
	CHECK(read_changed(OPERATION) == EINVAL, "an unknown operation is refused");
	CHECK(read_changed(SOURCE) == EINVAL, "a relative mount source is refused");
	CHECK(read_changed(CGROUP_DOTS) == EINVAL, "a cgroup with .. is refused");
	CHECK(read_changed(CGROUP_ROOT) == EINVAL, "the root as a cgroup is refused");
	CHECK(read_changed(DEADLINE) == EINVAL, "a deadline without end is refused");
	CHECK(read_changed(ID) == EINVAL, "an id that is a path is refused");
}

static void test_counts(void)
{
	struct wire_buffer buffer = { 0 };
	struct description description;

	put_least(&buffer);
	for (int i = 0; i < DESCRIPTION_MAX_MOUNTS; i++)
		put_mount(&buffer, "/data");
	CHECK(read_it(&buffer, &description) == 0 && description.mount_count == DESCRIPTION_MAX_MOUNTS, "as many mounts as are possible");
	description_free(&description);
	put_mount(&buffer, "/data");
	CHECK(read_it(&buffer, &description) == E2BIG, "one mount more is refused");
	description_free(&description);
	wire_buffer_free(&buffer);
}

static void test_names(void)
{
	CHECK(interface_name_is_valid("w-0123456789a-0"), "15 characters are an interface name");
	CHECK(!interface_name_is_valid("w-0123456789ab-0"), "16 are not");
	CHECK(!interface_name_is_valid("") && !interface_name_is_valid("..") && !interface_name_is_valid("a b") && !interface_name_is_valid("a:b"),
		"nor is nothing, two dots, or what has a space or colon");
	CHECK(path_is_plain("/a/b-c.d") && path_is_plain("/a/..b"), "plain paths");
	CHECK(!path_is_plain("a") && !path_is_plain("") && !path_is_plain("/") && !path_is_plain("//a") && !path_is_plain("/a/") &&
	      !path_is_plain("/a/./b") && !path_is_plain("/a/..") && !path_is_plain("/.."), "paths that are not");
}

static void put_chain(struct wire_buffer *buffer, uint32_t operation, const char *name, size_t rules)
{
	size_t chain = wire_open(buffer, TAG_CHAIN);

	wire_put_u32(buffer, TAG_OPERATION, operation);
	wire_put_u32(buffer, TAG_FAMILY, 1);
	wire_put_string(buffer, TAG_TABLE, "table");
	wire_put_string(buffer, TAG_NAME, name);
	for (size_t i = 0; i < rules; i++)
		wire_put_bytes(buffer, TAG_RULE, name, strlen(name));
	wire_close(buffer, chain);
}

/* The attributes of one chain, "rule" by "rule": R a rule, N a note, G one that is to go. */
static int read_notes(uint32_t operation, const char *attributes, size_t note_size, struct firewall_change *ret_change, struct wire_buffer *buffer, struct error *err)
{
	static const char bytes[FIREWALL_NOTE_MAX + 1] = "note";

	wire_begin(buffer, WIRE_FIREWALL);
	size_t chain = wire_open(buffer, TAG_CHAIN);

	wire_put_u32(buffer, TAG_OPERATION, operation);
	wire_put_u32(buffer, TAG_FAMILY, 1);
	wire_put_string(buffer, TAG_TABLE, "table");
	wire_put_string(buffer, TAG_NAME, "out-one");
	for (; *attributes != '\0'; attributes++)
		wire_put_bytes(buffer, *attributes == 'R' ? TAG_RULE : *attributes == 'N' ? TAG_RULE_NOTE : TAG_RULE_GONE, bytes, note_size);
	wire_close(buffer, chain);
	wire_end(buffer, err);
	return firewall_change_read(buffer->data + WIRE_HEADER_SIZE, buffer->size - WIRE_HEADER_SIZE, ret_change, err);
}

static void test_notes(void)
{
	static const struct { uint32_t operation; const char *attributes; size_t size; } wrong[] = {
		{ ELEMENT_ADD, "N", 4 }, { ELEMENT_ADD, "GN", 4 }, { ELEMENT_ADD, "RG", 4 }, { ELEMENT_ADD, "GRG", 4 }, { ELEMENT_ENSURE, "GR", 4 },
		{ ELEMENT_DELETE, "G", 4 }, { ELEMENT_ADD, "G", 0 }, { ELEMENT_ADD, "RN", FIREWALL_NOTE_MAX + 1 },
	};
	struct wire_buffer buffer = { 0 };
	struct firewall_change change;
	struct error err = { 0 };

	CHECK(read_notes(ELEMENT_ADD, "GGRNR", 4, &change, &buffer, &err) == 0 && change.rule_count == 4 && change.chains[0].gone_count == 2, "rules that go, and rules with notes");
	CHECK(change.rules[1].expressions == NULL && change.rules[1].note_size == 4 && change.rules[2].expressions != NULL && change.rules[2].note_size == 4 &&
	      change.rules[3].note_size == 0, "each note is its rule's");
	firewall_change_free(&change);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		wire_buffer_free(&buffer);
		buffer = (struct wire_buffer){ 0 };
		CHECK(read_notes(wrong[i].operation, wrong[i].attributes, wrong[i].size, &change, &buffer, &err) < 0 && err.number == EINVAL, wrong[i].attributes);
	}
	wire_buffer_free(&buffer);
}

static void test_change(void)
{
	struct wire_buffer buffer = { 0 };
	struct firewall_change change;
	struct error err = { 0 };

	wire_begin(&buffer, WIRE_FIREWALL);
	put_chain(&buffer, ELEMENT_ENSURE, "out-one", 2);
	put_element(&buffer, ELEMENT_ENSURE, 16, 0);
	put_chain(&buffer, ELEMENT_DELETE, "out-two", 0);
	put_chain(&buffer, ELEMENT_ENSURE, "out-three", 3);
	wire_end(&buffer, &err);
	const uint8_t *body = buffer.data + WIRE_HEADER_SIZE;
	size_t size = buffer.size - WIRE_HEADER_SIZE;

	CHECK(firewall_change_read(body, size, &change, &err) == 0 && change.element_count == 1 && change.chain_count == 3 && change.rule_count == 5,
		"elements and chains with rules are read");
	CHECK(change.chains[2].first_rule == 2 && change.chains[2].rule_count == 3 && change.rules[4].size == strlen("out-three"), "each chain has its own rules");
	firewall_change_free(&change);
	bool refused = true;

	for (size_t length = 0; length < size; length++) {
		uint8_t *part = malloc(length + 1);

		memcpy(part, body, length);
		if (firewall_change_read(part, length, &change, &err) < 0)
			refused &= err.number == EBADMSG || err.number == EINVAL;
		else
			firewall_change_free(&change);
		free(part);
	}
	CHECK(refused, "every prefix of them is read, or refused as malformed");
	put_chain(&buffer, ELEMENT_ENSURE, "x", FIREWALL_MAX_RULES);
	wire_end(&buffer, &err);
	CHECK(firewall_change_read(buffer.data + WIRE_HEADER_SIZE, buffer.size - WIRE_HEADER_SIZE, &change, &err) < 0 && err.number == E2BIG, "too many rules are refused");
	wire_buffer_free(&buffer);
}

int main(void)
{
	test_change();
	test_notes();
	test_whole();
	test_refusals();
	test_counts();
	test_names();
	return tap_end();
}
