/* Runs a fuzz target over the files of its corpus, once each, where there is no libFuzzer: what was found once stays found. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_SIZE = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		uint8_t *data = malloc(MAX_SIZE);
		FILE *file = fopen(argv[i], "rb");

		if (file == NULL || data == NULL) {
			printf("not ok %d - %s cannot be read\n", i, argv[i]);
			return 1;
		}
		size_t size = fread(data, 1, MAX_SIZE, file);

		fclose(file);
		/* Exactly as long as the input, so that the sanitizer sees a read beyond. */
		data = realloc(data, size + (size == 0));
		LLVMFuzzerTestOneInput(data, size);
		free(data);
		printf("ok %d - %s\n", i, argv[i]);
	}
	printf("1..%d\n", argc - 1);
	return argc > 1 ? 0 : 1;
}
