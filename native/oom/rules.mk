PROGRAMS += oom
oom_SOURCES := oom/oom.c
oom_LIBC := musl

# The whole program under the sanitizers.
$(eval $(call CHECKED,$(BUILD)/sanitized/oom,sanitized,$(oom_SOURCES) $(LIB_SOURCES)))

# test-root: makes memory cgroups of its own.
.PHONY: test-root-oom
test-root: test-root-oom
test-root-oom: $(BUILD)/release/oom $(BUILD)/sanitized/oom
	python3 -B oom/test/oom_test.py
	OOM_VARIANT=sanitized python3 -B oom/test/oom_test.py
