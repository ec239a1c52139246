# Unit tests of lib, monitor and wsh under the sanitizers, replay of the fuzz corpora, and tests of whole containers.
UNIT_HEADERS := $(wildcard lib/*.h iomux/*.h repquota/*.h monitor/*.h wsh/*.h tar/*.h archive/*.h files/*.h test/*.h)
UNIT_TESTED := $(LIB_SOURCES) monitor/spool.c monitor/description.c monitor/hook-list.c monitor/idmap.c monitor/accounts.c monitor/log-lines.c iomux/positions.c wsh/run-request.c wsh/passwd.c seccomp/compact.c $(wildcard tar/*.c) archive/sha256.c
UNIT_TESTS := $(patsubst test/%-test.c,$(BUILD)/test/%,$(wildcard test/*-test.c))
FUZZ_TARGETS := $(patsubst fuzz/%-fuzz.c,%,$(wildcard fuzz/*-fuzz.c))
REPLAYS := $(addprefix $(BUILD)/test/replay-,$(FUZZ_TARGETS))
ROOT_TESTS := test/transfer_test.py test/destroy_test.py test/jobs_test.py test/users_test.py test/naming_test.py test/project_test.py test/input_test.py test/times_test.py test/memory_test.py test/terminals_test.py test/random_test.py test/output_test.py test/isolation_test.py test/hostile_test.py test/hostile_copy_test.py test/plain_test.py

# Parts of the monitor that call others which no unit test needs, and the linker is not to ask for.
UNIT_BESIDE_prepared := monitor/prepared.c monitor/job-group.c monitor/cgroup.c
UNIT_LINKED_prepared := -Wl,--gc-sections
UNIT_BESIDE_held-mounts := monitor/held-mounts.c

$(foreach t,$(notdir $(UNIT_TESTS)),$(eval $(call CHECKED,$(BUILD)/test/$(t),sanitized,test/$(t)-test.c $(UNIT_TESTED) $(UNIT_BESIDE_$(t)),$(UNIT_LINKED_$(t)))))
$(foreach t,$(FUZZ_TARGETS),$(eval $(call CHECKED,$(BUILD)/test/replay-$(t),sanitized,fuzz/$(t)-fuzz.c fuzz/replay.c $(UNIT_TESTED))))

# test: needs nothing of the machine. test-root: needs root, makes namespaces and cgroups of its own.
.PHONY: test-units test-root-monitor
test: test-units
test-units: $(UNIT_TESTS) $(REPLAYS)
	@set -e; for test in $(UNIT_TESTS); do echo "# $$test"; $$test; done
	@set -e; for target in $(FUZZ_TARGETS); do echo "# corpus of $$target"; $(BUILD)/test/replay-$$target fuzz/corpus/$$target/*; done

# Runs in a container, where there may be no library.
$(BUILD)/test/call-probe: test/call-probe.c $(DEPENDS_musl)
	@mkdir -p $(@D)
	$(MUSL_CC) $(CFLAGS_COMMON) $(CFLAGS_musl) -static -o $@ $<

# With less patience, so that its end can be waited for.
$(BUILD)/test/impatient-files: $(files_SOURCES) $(LIB_SOURCES) $(wildcard files/*.h) $(UNIT_HEADERS) $(DEPENDS_musl)
	@mkdir -p $(@D)
	$(MUSL_CC) $(CFLAGS_COMMON) $(CFLAGS_musl) -O0 -DCOPY_SILENCE_MS=1000 -static -o $@ $(files_SOURCES) $(LIB_SOURCES)

test-root: test-root-monitor
test-root-monitor: release faults $(BUILD)/test/call-probe $(BUILD)/test/impatient-files
	@set -e; for test in $(ROOT_TESTS); do echo "# $$test"; python3 -B $$test; done

# build/fuzz/TARGET CORPUS…: as libFuzzer takes it.
$(foreach t,$(FUZZ_TARGETS),$(eval $(call CHECKED,$(BUILD)/fuzz/$(t),fuzz,fuzz/$(t)-fuzz.c $(UNIT_TESTED))))
fuzz: $(addprefix $(BUILD)/fuzz/,$(FUZZ_TARGETS))
