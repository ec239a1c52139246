# Static, with glibc: Debian has zlib and libzstd for no other libc, and nothing is loaded where an image's files are.
PROGRAMS += archive
archive_SOURCES := $(wildcard archive/*.c) $(wildcard tar/*.c)
archive_LIBC := static
archive_LIBS := -lz -lzstd

# Root, for the owners of what is unpacked.
.PHONY: test-root-archive
test-root: test-root-archive
test-root-archive: $(BUILD)/release/archive
	python3 -B archive/test/archive_test.py
