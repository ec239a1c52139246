#include "monitor/parameters.h"

static int keep(const struct wire_attribute *attribute, struct wire_attribute *ret_attribute, bool *ret_has)
{
	*ret_attribute = *attribute;
	*ret_has = true;
	return 0;
}

static int read_attribute(const struct wire_attribute *attribute, struct parameters *parameters, struct error *err)
{
	switch (attribute->tag) {
	case TAG_JOB_ID:
		parameters->has_job_id = true;
		return wire_u32(attribute, &parameters->job_id, err);
	case TAG_SIGNAL:
		return wire_u32(attribute, &parameters->signal, err);
	case TAG_POSITION:
		return wire_u64(attribute, &parameters->position, err);
	case TAG_OUTPUT_LIMIT:
		return wire_u64(attribute, &parameters->output_limit, err);
	case TAG_DISCARD:
		return wire_u32(attribute, &parameters->discard, err);
	case TAG_FOLLOW_OUTPUT:
		return wire_u32(attribute, &parameters->follow, err);
	case TAG_NO_WAIT:
		return wire_u32(attribute, &parameters->no_wait, err);
	case TAG_TERMINAL:
		return wire_u32(attribute, &parameters->terminal, err);
	case TAG_OPEN_INPUT:
		return wire_u32(attribute, &parameters->open_input, err);
	case TAG_CLOSE_INPUT:
		return wire_u32(attribute, &parameters->close_input, err);
	case TAG_ROWS:
		return wire_u32(attribute, &parameters->rows, err);
	case TAG_COLUMNS:
		return wire_u32(attribute, &parameters->columns, err);
	case TAG_IF_EMPTY:
		return wire_u32(attribute, &parameters->if_empty, err);
	case TAG_TELL_DEAD:
		return wire_u32(attribute, &parameters->tell_dead, err);
	case TAG_TIMEOUT_MS:
		parameters->has_timeout = true;
		return wire_u64(attribute, &parameters->timeout_ms, err);
	case TAG_FORGET_UP_TO:
		parameters->has_forget = true;
		return wire_u64(attribute, &parameters->forget_up_to, err);
	case TAG_OUTPUT_UP_TO:
		return wire_u64(attribute, &parameters->output_up_to, err);
	case TAG_ONLY_STREAM:
		return wire_u32(attribute, &parameters->only_stream, err);
	case TAG_SCRIPT:
		return keep(attribute, &parameters->script, &parameters->has_script);
	case TAG_CONTENT:
		return keep(attribute, &parameters->content, &parameters->has_content);
	case TAG_COMMAND:
		return keep(attribute, &parameters->command, &parameters->has_command);
	default:
		return 0;
	}
}

int parameters_read(const struct frame *frame, struct parameters *ret_parameters, struct error *err)
{
	struct wire_reader reader;
	struct wire_attribute attribute;
	int result;

	*ret_parameters = (struct parameters){ .output_limit = UINT64_MAX, .output_up_to = UINT64_MAX };
	wire_reader_init(&reader, frame->body, frame->size);
	while ((result = wire_next(&reader, &attribute, err)) > 0)
		if (read_attribute(&attribute, ret_parameters, err) < 0)
			return -1;
	return result;
}
