/* wsh/run-request.c: the body of RUN. */
#include "wsh/run-request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run_request request;
	struct error err;

	if (run_request_read(data, size, &request, &err) < 0)
		return 0;
	/* What execve is given ends in NULL, and there is a program. */
	if (request.arguments.count == 0 || request.arguments.items[request.arguments.count] != NULL || request.environment.items[request.environment.count] != NULL)
		__builtin_trap();
	run_request_free(&request);
	return 0;
}
