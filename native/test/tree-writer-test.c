/* lib/tree-writer.c: what is made is what was asked for, and nothing is made anywhere else. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/remove.h"
#include "lib/syscalls.h"
#include "lib/tree-writer.h"
#include "test/tap.h"

static const struct tree_policy ordinary = { .entry_limit = 1000, .byte_limit = 1000, .depth_limit = 8, .mode_bits = TREE_MODE_PLAIN };
static const struct tree_attributes plain = { .mode = 0644 };
static struct error err;

static mode_t mode_of(int directory, const char *name)
{
	struct stat status;

	return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : status.st_mode;
}

static bool holds(int directory, const char *name, const char *text)
{
	char data[64] = "";
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, data, sizeof(data) - 1);

	close(fd);
	return size >= 0 && strcmp(data, text) == 0;
}

static int write_file(struct tree_writer *writer, int directory, const char *name, const char *text, const struct tree_attributes *attributes)
{
	struct tree_file file;

	if (tree_begin_file(writer, directory, name, &file, &err) < 0)
		return -1;
	if (write(file.fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		tree_abandon_file(&file);
		return -1;
	}
	return tree_finish_file(writer, &file, attributes, &err);
}

static void test_files(int root)
{
	struct tree_writer writer;
	struct tree_file file;
	const struct tree_attributes set_id = { .mode = 07755 };
	const struct tree_attributes dated = { .mode = 0600, .has_time = true, .modified = { .tv_sec = 1000000000 } };
	struct stat status;

	tree_writer_init(&writer, root, &ordinary);
	CHECK(write_file(&writer, root, "file", "one", &plain) == 0 && holds(root, "file", "one") && mode_of(root, "file") == (S_IFREG | 0644), "a file with its mode");
	CHECK(write_file(&writer, root, "s\xff\ni", "x", &set_id) == 0 && mode_of(root, "s\xff\ni") == (S_IFREG | 01755), "any bytes in a name; set-id bits go");
	CHECK(write_file(&writer, root, "dated", "x", &dated) == 0 && fstatat(root, "dated", &status, 0) == 0 && status.st_mtim.tv_sec == 1000000000, "a time that was asked for");
	CHECK(linkat(root, "file", root, "other", 0) == 0 && write_file(&writer, root, "file", "two", &plain) == 0 && holds(root, "file", "two") && holds(root, "other", "one"),
	      "a file in the way is replaced, not written to");
	CHECK(symlinkat("dated", root, "link") == 0 && write_file(&writer, root, "link", "three", &plain) == 0 && holds(root, "link", "three") && holds(root, "dated", "x"),
	      "a link in the way is replaced, not followed");
	CHECK(tree_begin_file(&writer, root, "given up", &file, &err) == 0, "a file is begun");
	tree_abandon_file(&file);
	CHECK(mode_of(root, "given up") == 0, "a new file that is given up is gone");
	CHECK(tree_begin_file(&writer, root, "file", &file, &err) == 0 && write(file.fd, "half", 4) == 4, "a file that exists is begun");
	tree_abandon_file(&file);
	CHECK(holds(root, "file", "two"), "one that exists is what it was when its successor is given up");
	CHECK(mkdirat(root, "directory", 0755) == 0 && write_file(&writer, root, "directory", "x", &plain) < 0 && err.number == EISDIR, "a directory is not replaced by a file");
	tree_writer_free(&writer);
}

static void test_set_id(int root)
{
	const struct tree_attributes set_id = { .mode = 06755 };
	struct tree_policy policy = ordinary;
	struct tree_writer writer;
	uint64_t mount = 0;

	policy.mode_bits = TREE_MODE_SET_ID;
	CHECK(sys_mount_id(root, &mount) == 0 && mount != 0, "the mount of a directory has a number");
	for (unsigned int other = 0; other < 2; other++) {
		const mode_t expected = other ? 0755 : 06755;
		const char *file = other ? "masked" : "kept", *directory = other ? "masked-directory" : "kept-directory";
		bool made;
		int fd;

		policy.set_id_mount = mount + other;
		tree_writer_init(&writer, root, &policy);
		CHECK(write_file(&writer, root, file, "x", &set_id) == 0 && mode_of(root, file) == (S_IFREG | expected), other ? "no set-id bits for a file of another mount" : "set-id bits of a file");
		CHECK(tree_make_directory(&writer, root, directory, &fd, &made, &err) == 0 && tree_finish_directory(&writer, fd, directory, &set_id, &err) == 0 &&
		      mode_of(root, directory) == (S_IFDIR | expected), other ? "nor for a directory" : "and of a directory");
		close(fd);
		tree_writer_free(&writer);
	}
}

static void test_names(int root)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "../x" };
	struct tree_writer writer;
	char name[TREE_MAX_NAME + 2];
	bool refused = true;

	tree_writer_init(&writer, root, &ordinary);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused = refused && write_file(&writer, root, bad[i], "x", &plain) < 0 && err.number == EINVAL;
	CHECK(refused, "names that are none are refused");
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	CHECK(write_file(&writer, root, name, "x", &plain) < 0 && err.number == EINVAL, "a name of 256 bytes is refused");
	name[TREE_MAX_NAME] = '\0';
	CHECK(write_file(&writer, root, name, "x", &plain) == 0 && write_file(&writer, root, name, "y", &plain) == 0 && holds(root, name, "y"), "one of 255 is written, and replaced");
	tree_writer_free(&writer);
}

static void test_directories(int root)
{
	struct tree_writer writer;
	const struct tree_attributes closed = { .mode = 02555 };
	bool made;
	int fd = -1;

	tree_writer_init(&writer, root, &ordinary);
	CHECK(tree_make_directory(&writer, root, "d", &fd, &made, &err) == 0 && made && write_file(&writer, fd, "in it", "x", &plain) == 0 &&
	      tree_finish_directory(&writer, fd, "d", &closed, &err) == 0 && mode_of(root, "d") == (S_IFDIR | 0555), "a directory is filled before it gets its mode");
	close(fd);
	CHECK(tree_make_directory(&writer, root, "d", &fd, &made, &err) == 0 && !made && mode_of(root, "d") == (S_IFDIR | 0555), "one that exists is taken as it is");
	close(fd);
	CHECK(symlinkat("d", root, "to d") == 0 && tree_make_directory(&writer, root, "to d", &fd, &made, &err) == 0 && made && mode_of(root, "to d") == (S_IFDIR | 0700),
	      "a link to a directory is replaced by one");
	close(fd);
	tree_writer_free(&writer);
}

static void test_links(int root)
{
	struct tree_writer writer;

	tree_writer_init(&writer, root, &ordinary);
	CHECK(tree_make_symlink(&writer, root, "s", "/etc/passwd", &plain, &err) == 0 && S_ISLNK(mode_of(root, "s")), "a symbolic link leads where it likes");
	CHECK(tree_make_symlink(&writer, root, "s", "elsewhere", &plain, &err) == 0 && S_ISLNK(mode_of(root, "s")), "and is replaced");
	CHECK(tree_make_link(&writer, root, "h", root, "s", &err) < 0 && err.number == EINVAL, "a hard link to a link is refused");
	CHECK(write_file(&writer, root, "file", "one", &plain) == 0 && tree_make_link(&writer, root, "h", root, "file", &err) == 0 && holds(root, "h", "one"), "a hard link to a file");
	CHECK(tree_make_link(&writer, root, "h", root, "file", &err) == 0 && tree_make_link(&writer, root, "file", root, "file", &err) == 0 && holds(root, "file", "one"), "twice, and to itself");
	tree_writer_free(&writer);
}

static void test_parents(int root, int outside)
{
	struct tree_policy policy = ordinary;
	struct tree_writer writer;
	char name[TREE_MAX_NAME + 1];
	int directory, before;

	policy.make_parents = true;
	tree_writer_init(&writer, root, &policy);
	CHECK(tree_parent(&writer, "/./p//q/./file/", &directory, name, &err) == 0 && strcmp(name, "file") == 0 && mode_of(root, "p/q") == (S_IFDIR | 0755), "missing directories on the way are made");
	before = directory;
	CHECK(tree_parent(&writer, "p/q/other", &directory, name, &err) == 0 && directory == before && strcmp(name, "other") == 0, "the last one is kept");
	CHECK(tree_parent(&writer, "top", &directory, name, &err) == 0 && directory == root && strcmp(name, "top") == 0, "a path of one name is in the root");
	CHECK(tree_parent(&writer, "./", &directory, name, &err) == 0 && directory == root && name[0] == '\0', "the root itself has no name");
	CHECK(tree_parent(&writer, "p/../../x", &directory, name, &err) < 0 && err.number == EINVAL, "\"..\" is refused");
	CHECK(tree_parent(&writer, "1/2/3/4/5/6/7/8/9", &directory, name, &err) < 0 && err.number == ELOOP, "too deep is refused");
	CHECK(symlinkat("../outside", root, "out") == 0 && symlinkat("/p", root, "in") == 0, "two links");
	CHECK(tree_parent(&writer, "out/x", &directory, name, &err) < 0 && err.number == ELOOP, "a link on the way is refused");
	CHECK(tree_parent(&writer, "in/x", &directory, name, &err) < 0 && err.number == ELOOP, "also one that stays inside");
	tree_writer_free(&writer);

	policy.follow_links = true;
	tree_writer_init(&writer, root, &policy);
	CHECK(tree_parent(&writer, "in/q/x", &directory, name, &err) == 0 && strcmp(name, "x") == 0, "with follow_links it leads below the root");
	CHECK(tree_parent(&writer, "out/new/x", &directory, name, &err) < 0 && mode_of(outside, "new") == 0, "but never out of it");
	tree_writer_free(&writer);
}

static void test_limits(int root)
{
	struct tree_policy policy = ordinary;
	struct tree_writer writer;

	policy.entry_limit = 2;
	tree_writer_init(&writer, root, &policy);
	CHECK(tree_add_bytes(&writer, 600, &err) == 0 && tree_add_bytes(&writer, 401, &err) < 0 && err.number == EDQUOT && tree_add_bytes(&writer, 400, &err) == 0 &&
	      tree_add_bytes(&writer, UINT64_MAX, &err) < 0, "bytes are counted against their limit");
	CHECK(write_file(&writer, root, "l1", "x", &plain) == 0 && tree_make_symlink(&writer, root, "l2", "x", &plain, &err) == 0 &&
	      write_file(&writer, root, "l3", "x", &plain) < 0 && err.number == EDQUOT && mode_of(root, "l3") == 0, "and entries against theirs");
	tree_writer_free(&writer);
}

int main(void)
{
	char path[] = "/tmp/warden-tree-writer-XXXXXX";

	umask(0);
	if (mkdtemp(path) == NULL)
		return 1;
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int root = mkdirat(directory, "root", 0755) == 0 ? openat(directory, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int outside = mkdirat(directory, "outside", 0755) == 0 ? openat(directory, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!CHECK(root >= 0 && outside >= 0, "directories"))
		return tap_end();
	test_files(root);
	test_set_id(root);
	test_names(root);
	test_directories(root);
	test_links(root);
	test_limits(root);
	test_parents(root, outside);
	CHECK(remove_tree(directory, "root", &err) == 0 && remove_tree(directory, "outside", &err) == 0 && rmdir(path) == 0, "nothing is left");
	return tap_end();
}
