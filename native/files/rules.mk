PROGRAMS += files
files_SOURCES := $(wildcard files/*.c) wsh/passwd.c wsh/passwd-file.c $(wildcard tar/*.c)
files_LIBC := musl

# fuzz: what the two ends of a copy say to each other; build/fuzz/files-copy-frames DIRECTORY looks for more.
FILES_FUZZED := $(addprefix files/,channel.c copy-receiver.c copy-sender.c copy-worker.c place.c) $(LIB_SOURCES)
FILES_HEADERS := $(wildcard files/*.h lib/*.h)

$(BUILD)/fuzz/files-%: files/fuzz/%-fuzz.c $(FILES_FUZZED) $(FILES_HEADERS)
	@mkdir -p $(@D)
	clang -std=c17 -D_GNU_SOURCE -g -O1 -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< $(FILES_FUZZED)
$(BUILD)/test/files-replay-%: files/fuzz/%-fuzz.c fuzz/replay.c $(FILES_FUZZED) $(FILES_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(filter-out -O2,$(CFLAGS_COMMON)) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $(filter %.c,$^)
.PHONY: fuzz-files
fuzz: fuzz-files
fuzz-files: $(BUILD)/fuzz/files-copy-frames $(BUILD)/test/files-replay-copy-frames
	@$(BUILD)/test/files-replay-copy-frames files/fuzz/corpus/copy-frames/*
