"""A directory that is a project's, for disk quotas: so is all that a container makes in it, and it cannot leave. On XFS, which keeps projects also where there are no quotas."""
import errno
import fcntl
import os
import struct

from container import Container, Tap, TestWorld, run

tap = Tap()
GET, SET = 0x801c581f, 0x401c5820   # FS_IOC_FS{GET,SET}XATTR
ATTRIBUTES = struct.Struct("=5I8x")   # struct fsxattr: xflags, extsize, nextents, projid, cowextsize
INHERIT = 0x200
PROJECT = 4711
# In a container: changes the project, or what is handed on, of a path, and prints the errno.
CHANGE = f"""python3 - <<'END'
import fcntl, os, struct
for path, change in (("/home/vcap", "project"), ("/home/vcap", "inherit"), ("/home/vcap/file", "project"), ("/home/vcap/file", "none")):
    fd = os.open(path, os.O_RDONLY)
    flags, extent, extents, project, cow = struct.unpack("=5I8x", fcntl.ioctl(fd, {GET}, bytes(28)))
    flags, project = flags & ~({INHERIT} if change == "inherit" else 0), dict(project=1, none=0).get(change, project)
    try:
        fcntl.ioctl(fd, {SET}, struct.pack("=5I8x", flags, extent, extents, project, cow))
        print(path, change, 0)
    except OSError as error:
        print(path, change, error.errno)
END
"""


class XfsWorld(TestWorld):
    """Its depot is an XFS of its own, from before the launcher starts."""

    def make(self, *names):
        path = super().make(*names)
        if names == ("depot",):
            image = os.path.join(self.base, "depot.img")
            with open(image, "wb") as out:
                out.truncate(512 << 20)
            run("mkfs.xfs", "-q", image)
            run("mount", "-o", "loop", image, path)
        return path

    def abandon(self):
        run("umount", "--lazy", self.depot)
        super().abandon()

    def remove(self):
        run("umount", self.depot)
        super().remove()


def project_of(path):
    """(project, handed on)"""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        flags, _, _, project, _ = ATTRIBUTES.unpack(fcntl.ioctl(fd, GET, bytes(ATTRIBUTES.size)))
    finally:
        os.close(fd)
    return project, bool(flags & INHERIT)


def assign(path, project):
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, SET, ATTRIBUTES.pack(INHERIT, 0, 0, project, 0))
    finally:
        os.close(fd)


def test_inherited(container):
    upper = os.path.join(container.directory, "upper")
    for name in ("upper", "work"):
        tap.check(project_of(os.path.join(container.directory, name)) == (PROJECT, True), f"{name} is the project's, and hands it on")
    tap.check(project_of(os.path.join(upper, "etc/hosts"))[0] == PROJECT, "what the monitor wrote into the upper layer is")
    out, err, _ = container.run("echo x > file; mkdir -p a/b; echo y > a/b/c; echo z > /tmp/t; mv /tmp/t a/t; ln a/t a/u; chmod 700 /home/vcap && echo done")
    tap.check(out == b"done\n", "a job makes files, and moves and links them", out, err)
    out, err, _ = container.run("chown 7:8 /usr/../etc/group; echo g >> /etc/group; mkdir /srv; mv /srv /srv2; echo done", privileged=True)
    tap.check(out == b"done\n", "a privileged one changes a file of the image and renames directories", out, err)
    wrong = []
    for folder, folders, files in os.walk(upper):
        for name in files + folders:
            path = os.path.join(folder, name)
            if not os.path.islink(path) and os.path.isdir(path) | os.path.isfile(path) and project_of(path)[0] != PROJECT:
                wrong.append(path)
    tap.check(wrong == [] and os.path.exists(os.path.join(upper, "home/vcap/a/u")) and os.path.exists(os.path.join(upper, "etc/group")), "all of it is the project's", wrong)


def test_no_way_out(container):
    for privileged in (False, True):
        out, err, _ = container.run(CHANGE, privileged=privileged)
        numbers = [int(line.split()[-1]) for line in out.decode().splitlines()]
        tap.check(len(numbers) == 4 and all(number in (errno.EINVAL, errno.EPERM) for number in numbers), f"a {'privileged ' if privileged else ''}job cannot leave it", out, err)
    tap.check(project_of(os.path.join(container.directory, "upper/home/vcap")) == (PROJECT, True), "and has not")


def main():
    world = XfsWorld()
    directory = world.make("depot", "lt1")
    assign(directory, PROJECT)
    tap.check(project_of(directory) == (PROJECT, True), "root of the host can give a directory to a project")
    container = Container(world, 1)
    if tap.check(container.reply.kind == "OK", "a container in a project's directory", container.reply):
        test_inherited(container)
        test_no_way_out(container)
        tap.check(container.destroy()[0], "it is destroyed")
    world.end(tap)


main()
