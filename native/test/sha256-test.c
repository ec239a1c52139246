/* archive/sha256.c: the examples of FIPS 180-4, and pieces of every size. */
#include <string.h>

#include "archive/sha256.h"
#include "test/tap.h"

static void digest(const char *text, size_t size, size_t step, char *ret_text)
{
	struct sha256 hash;

	sha256_init(&hash);
	for (size_t at = 0; at < size; at += step)
		sha256_add(&hash, text + at, size - at < step ? size - at : step);
	sha256_end(&hash, ret_text);
}

int main(void)
{
	static char million[1000000];
	static const char *const texts[] = { "", "abc", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" };
	static const char *const expected[] = {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	};
	static const char of_million[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
	char text[SHA256_TEXT_SIZE];

	for (size_t i = 0; i < 3; i++) {
		digest(texts[i], strlen(texts[i]), 64, text);
		CHECK(strcmp(text, expected[i]) == 0, "an example");
	}
	memset(million, 'a', sizeof(million));
	int wrong = 0;

	for (size_t step = 1; step <= 140; step++) {
		digest(million, sizeof(million), step < 130 ? step : step * 997, text);
		wrong += strcmp(text, of_million) != 0;
	}
	CHECK(wrong == 0, "a million bytes in pieces of any size");
	return tap_end();
}
