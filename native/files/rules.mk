PROGRAMS += files
files_SOURCES := $(wildcard files/*.c) wsh/passwd.c wsh/passwd-file.c $(wildcard tar/*.c)
files_LIBC := musl

# fuzz: what the two ends of a copy say to each other; build/fuzz/files-copy-frames DIRECTORY looks for more.
FILES_FUZZED := $(addprefix files/,channel.c copy-receiver.c copy-sender.c copy-worker.c place.c) $(LIB_SOURCES)

$(eval $(call CHECKED,$(BUILD)/fuzz/files-copy-frames,fuzz,files/fuzz/copy-frames-fuzz.c $(FILES_FUZZED)))
$(eval $(call CHECKED,$(BUILD)/test/files-replay-copy-frames,sanitized,files/fuzz/copy-frames-fuzz.c fuzz/replay.c $(FILES_FUZZED)))
.PHONY: fuzz-files
fuzz: fuzz-files
fuzz-files: $(BUILD)/fuzz/files-copy-frames $(BUILD)/test/files-replay-copy-frames
	@$(BUILD)/test/files-replay-copy-frames files/fuzz/corpus/copy-frames/*
