/* ELEMENT attributes to struct firewall_element. */
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

static int read_attribute(struct firewall_element *element, const struct wire_attribute *attribute, struct error *err)
{
	uint32_t family;

	switch (attribute->tag) {
	case TAG_OPERATION:
		return wire_u32(attribute, &element->operation, err);
	case TAG_FAMILY:
		if (wire_u32(attribute, &family, err) < 0)
			return -1;
		if (family > UINT8_MAX)
			return error_set(err, EINVAL, "element: family %u", family);
		element->family = (uint8_t)family;
		return 0;
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
	default:
		return error_set(err, EBADMSG, "element: attribute %u", attribute->tag);
	}
}

static int read_element(struct firewall_element *element, const struct wire_attribute *nested, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	wire_reader_enter(&reader, nested);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		if (read_attribute(element, &attribute, err) < 0)
			return -1;
	if (result < 0)
		return -1;
	if (element->operation < ELEMENT_ADD || element->operation > ELEMENT_ENSURE)
		return error_set(err, EINVAL, "element: operation %u", element->operation);
	if (element->table[0] == '\0' || element->set[0] == '\0' || element->key_size == 0)
		return error_set(err, EINVAL, "element without table, set or key");
	if (element->key_end_size != 0 && element->key_end_size != element->key_size)
		return error_set(err, EINVAL, "element: key of %zu bytes, its end of %zu", element->key_size, element->key_end_size);
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
