# seccomp-compile is a build-time program: it writes the filter that wshd loads.
PROGRAMS += seccomp-compile
seccomp-compile_SOURCES := seccomp/compile.c seccomp/compact.c seccomp/prologue.c
seccomp-compile_LIBC := glibc
seccomp-compile_LIBS := -lseccomp

define SECCOMP_FILTER
$(BUILD)/$(1)/seccomp.bpf: $(BUILD)/$(1)/seccomp-compile
	$$< $$@
$(1): $(BUILD)/$(1)/seccomp.bpf
endef
$(foreach v,$(VARIANTS),$(eval $(call SECCOMP_FILTER,$(v))))
