/* ELEMENT and CHAIN attributes to struct firewall_change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/description.h"

static int read_value(const struct wire_attribute *attribute, const void **ret_value, size_t *ret_size, struct error *err)
{
	if (attribute->size == 0 || attribute->size > FIREWALL_VALUE_MAX)
		return error_set(err, EINVAL, "element: value of %u bytes, 1 to %d are possible", attribute->size, FIREWALL_VALUE_MAX);
	*ret_value = attribute->data;
	*ret_size = attribute->size;
	return 0;
}

static int read_family(const struct wire_attribute *attribute, const char *what, uint8_t *ret_family, struct error *err)
{
	uint32_t family;

	if (wire_u32(attribute, &family, err) < 0)
		return -1;
	if (family > UINT8_MAX)
		return error_set(err, EINVAL, "%s: family %u", what, family);
	*ret_family = (uint8_t)family;
	return 0;
}

static int read_element_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	struct firewall_element *element = context;

	switch (attribute->tag) {
	case TAG_OPERATION:
		return wire_u32(attribute, &element->operation, err);
	case TAG_FAMILY:
		return read_family(attribute, "element", &element->family, err);
	case TAG_TABLE:
		return wire_string_into(attribute, element->table, sizeof(element->table), err);
	case TAG_SET:
		return wire_string_into(attribute, element->set, sizeof(element->set), err);
	case TAG_KEY:
		return read_value(attribute, &element->key, &element->key_size, err);
	case TAG_KEY_END:
		return read_value(attribute, &element->key_end, &element->key_end_size, err);
	case TAG_DATA:
		return read_value(attribute, &element->data, &element->data_size, err);
	case TAG_JUMP:
		return wire_string_into(attribute, element->jump, sizeof(element->jump), err);
	case TAG_ELEMENT_TIMEOUT:
		if (wire_u64(attribute, &element->timeout_ms, err) < 0)
			return -1;
		if (element->timeout_ms == 0 || element->timeout_ms > FIREWALL_MAX_TIMEOUT_MS)
			return error_set(err, EINVAL, "element: time-out %llu ms", (unsigned long long)element->timeout_ms);
		return 0;
	default:
		return error_set(err, EBADMSG, "element: attribute %u", attribute->tag);
	}
}

static int read_element(struct firewall_element *element, const struct wire_attribute *nested, struct error *err)
{
	if (wire_read_all(nested->data, nested->size, read_element_attribute, element, err) < 0)
		return -1;
	if (element->operation < ELEMENT_ADD || element->operation > ELEMENT_ENSURE)
		return error_set(err, EINVAL, "element: operation %u", element->operation);
	if (element->table[0] == '\0' || element->set[0] == '\0' || element->key_size == 0)
		return error_set(err, EINVAL, "element without table, set or key");
	if (element->key_end_size != 0 && element->key_end_size != element->key_size)
		return error_set(err, EINVAL, "element: key of %zu bytes, its end of %zu", element->key_size, element->key_end_size);
	if (element->data_size != 0 && element->jump[0] != '\0')
		return error_set(err, EINVAL, "element with data and a jump");
	return 0;
}

int elements_read(const void *body, size_t size, struct firewall_element **ret_elements, size_t *ret_count, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	size_t count = 0, used = 0;
	int result;

	wire_reader_init(&reader, body, size);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		count += attribute.tag == TAG_ELEMENT;
	if (result < 0)
		return -1;
	if (count > FIREWALL_MAX_ELEMENTS)
		return error_set(err, E2BIG, "%zu elements, at most %d", count, FIREWALL_MAX_ELEMENTS);
	struct firewall_element *elements = calloc(count + 1, sizeof(*elements));

	if (elements == NULL)
		return error_set(err, ENOMEM, "%zu elements", count);
	wire_reader_init(&reader, body, size);
	while (wire_next(&reader, &attribute, err) > 0) {
		if (attribute.tag == TAG_ELEMENT && read_element(&elements[used++], &attribute, err) < 0) {
			free(elements);
			return -1;
		}
	}
	*ret_elements = elements;
	*ret_count = count;
	return 0;
}

/* Rules are counted beforehand, so that there is one piece of memory for all. */
static int count_chains(const void *body, size_t size, struct firewall_change *change, struct error *err)
{
	struct wire_reader reader, nested;
	struct wire_attribute attribute, inner;
	int result, inner_result = 0;

	wire_reader_init(&reader, body, size);
	while (inner_result == 0 && (result = wire_next(&reader, &attribute, err)) > 0) {
		if (attribute.tag != TAG_CHAIN)
			continue;
		change->chain_count++;
		wire_reader_enter(&nested, &attribute);
		while ((inner_result = wire_next(&nested, &inner, err)) > 0)
			change->rule_count += inner.tag == TAG_RULE || inner.tag == TAG_RULE_GONE;
	}
	if (inner_result < 0 || result < 0)
		return -1;
	if (change->chain_count > FIREWALL_MAX_CHAINS || change->rule_count > FIREWALL_MAX_RULES)
		return error_set(err, E2BIG, "%zu chains with %zu rules, at most %d and %d", change->chain_count, change->rule_count, FIREWALL_MAX_CHAINS, FIREWALL_MAX_RULES);
	return 0;
}

struct chain_reading {
	struct firewall_chain *chain;
	struct firewall_rule *rules;   /* of the whole change */
};

static int read_note(const struct wire_attribute *attribute, struct firewall_rule *rule, struct error *err)
{
	if (attribute->size == 0 || attribute->size > FIREWALL_NOTE_MAX)
		return error_set(err, EINVAL, "chain: note of %u bytes, 1 to %d are possible", attribute->size, FIREWALL_NOTE_MAX);
	rule->note = attribute->data;
	rule->note_size = attribute->size;
	return 0;
}

static int read_chain_attribute(void *context, const struct wire_attribute *attribute, struct error *err)
{
	const struct chain_reading *reading = context;
	struct firewall_chain *chain = reading->chain;

	switch (attribute->tag) {
	case TAG_OPERATION:
		return wire_u32(attribute, &chain->operation, err);
	case TAG_FAMILY:
		return read_family(attribute, "chain", &chain->family, err);
	case TAG_TABLE:
		return wire_string_into(attribute, chain->table, sizeof(chain->table), err);
	case TAG_NAME:
		return wire_string_into(attribute, chain->name, sizeof(chain->name), err);
	case TAG_RULE:
		if (attribute->size == 0 || attribute->size > FIREWALL_RULE_MAX)
			return error_set(err, EINVAL, "chain: rule of %u bytes, 1 to %d are possible", attribute->size, FIREWALL_RULE_MAX);
		reading->rules[chain->first_rule + chain->rule_count++] = (struct firewall_rule){ .expressions = attribute->data, .size = attribute->size };
		return 0;
	case TAG_RULE_NOTE:
		if (chain->rule_count == chain->gone_count)
			return error_set(err, EINVAL, "chain: a note without a rule before it");
		return read_note(attribute, &reading->rules[chain->first_rule + chain->rule_count - 1], err);
	case TAG_RULE_GONE:
		if (chain->rule_count != chain->gone_count++)
			return error_set(err, EINVAL, "chain: rules that go have to come first");
		return read_note(attribute, &reading->rules[chain->first_rule + chain->rule_count++], err);
	default:
		return error_set(err, EBADMSG, "chain: attribute %u", attribute->tag);
	}
}

static int read_chain(struct firewall_chain *chain, struct firewall_rule *rules, const struct wire_attribute *nested, struct error *err)
{
	struct chain_reading reading = { chain, rules };

	if (wire_read_all(nested->data, nested->size, read_chain_attribute, &reading, err) < 0)
		return -1;
	if (chain->operation < ELEMENT_ADD || chain->operation > ELEMENT_ENSURE)
		return error_set(err, EINVAL, "chain: operation %u", chain->operation);
	if (chain->table[0] == '\0' || chain->name[0] == '\0')
		return error_set(err, EINVAL, "chain without table or name");
	if (chain->operation == ELEMENT_DELETE && chain->rule_count != 0)
		return error_set(err, EINVAL, "chain %s is to be deleted and has rules", chain->name);
	if (chain->operation != ELEMENT_ADD && chain->gone_count != 0)
		return error_set(err, EINVAL, "chain %s has all its rules given anew, and some that are to go", chain->name);
	return 0;
}

static int read_chains(const void *body, size_t size, struct firewall_change *change, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	size_t chains = 0, rules = 0;

	if (count_chains(body, size, change, err) < 0)
		return -1;
	change->chains = calloc(change->chain_count + 1, sizeof(*change->chains));
	change->rules = calloc(change->rule_count + 1, sizeof(*change->rules));
	if (change->chains == NULL || change->rules == NULL)
		return error_set(err, ENOMEM, "%zu chains with %zu rules", change->chain_count, change->rule_count);
	wire_reader_init(&reader, body, size);
	while (wire_next(&reader, &attribute, err) > 0) {
		if (attribute.tag != TAG_CHAIN)
			continue;
		struct firewall_chain *chain = &change->chains[chains++];

		chain->first_rule = rules;
		if (read_chain(chain, change->rules, &attribute, err) < 0)
			return -1;
		rules += chain->rule_count;
	}
	return 0;
}

int firewall_change_read(const void *body, size_t size, struct firewall_change *ret_change, struct error *err)
{
	*ret_change = (struct firewall_change){ 0 };
	if (elements_read(body, size, &ret_change->elements, &ret_change->element_count, err) == 0 && read_chains(body, size, ret_change, err) == 0)
		return 0;
	firewall_change_free(ret_change);
	return -1;
}

void firewall_change_free(struct firewall_change *change)
{
	free(change->elements);
	free(change->chains);
	free(change->rules);
	*change = (struct firewall_change){ 0 };
}
