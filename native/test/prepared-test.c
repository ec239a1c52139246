#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/remove.h"
#include "monitor/prepared.h"
#include "test/tap.h"

/* Groups of which each looks as the kernel's do to whoever makes one: the file to join by is there from the beginning. */
static struct cgroups cgroups_below(int directory, uint32_t version)
{
	return (struct cgroups){ .items = { { .parent = -1, .directory = directory, .tasks = -1, .version = version } }, .count = 1, .memory = -1, .job_parent = 0 };
}

static void test_version_2(int directory)
{
	struct prepared prepared;
	struct cgroups cgroups = cgroups_below(directory, 2), none = cgroups_below(directory, 1);

	prepared_init(&prepared);
	CHECK(prepared_lacks_group(&prepared), "before the first try there may be a group");
	prepared_make_group(&prepared, &cgroups);
	CHECK(!prepared_lacks_group(&prepared) && prepared.group.directory < 0, "where groups cannot be renamed one try is enough: no job sets a timer for another");
	CHECK(faccessat(directory, "next-job", F_OK, 0) < 0, "and nothing has been made");
	none.job_parent = -1;
	prepared_init(&prepared);
	prepared_make_group(&prepared, &none);
	CHECK(!prepared_lacks_group(&prepared), "nor where jobs have no groups");
}

static void test_version_1(int directory)
{
	struct prepared prepared;
	struct cgroups cgroups = cgroups_below(directory, 1);
	struct job_group group;
	struct error err;
	int join;

	prepared_init(&prepared);
	prepared_make_group(&prepared, &cgroups);
	CHECK(prepared_lacks_group(&prepared), "what could not be made for another reason is tried again");
	CHECK(mkdirat(directory, "next-job", 0700) == 0 && close_fd(openat(directory, "next-job/tasks", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) < 0, "a group");
	prepared_make_group(&prepared, &cgroups);
	CHECK(!prepared_lacks_group(&prepared) && prepared.group.directory >= 0, "there is one");
	CHECK(prepared_take_group(&prepared, &cgroups, 7, &group, &join, &err) == 0 && join >= 0 && job_group_is_prepared(&group), "it is the next job's");
	CHECK(prepared_lacks_group(&prepared), "and another is wanted");
	prepared_name_group(&prepared, &cgroups, &group, 7);
	CHECK(strcmp(group.name, "job-7") == 0 && faccessat(directory, "job-7", F_OK, 0) == 0, "under its name");
	close_fd(join);
	close_fd(group.directory);
}

int main(void)
{
	char path[] = "/tmp/warden-prepared-test-XXXXXX";
	struct error err;

	if (mkdtemp(path) == NULL)
		return 1;
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	test_version_2(directory);
	test_version_1(directory);
	close_fd(directory);
	CHECK(remove_tree(AT_FDCWD, path, &err) == 0, "nothing is left");
	return tap_end();
}
