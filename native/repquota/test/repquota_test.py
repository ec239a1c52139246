"""repquota: what it refuses, and what it says where there are no quotas. What it prints where there are is tested in the virtual machine. No root."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "launcher", "test"))

from launcher_driver import NATIVE, Tap  # noqa: E402

tap = Tap()
PROGRAM = os.path.join(NATIVE, "build", os.environ.get("REPQUOTA_VARIANT", "release"), "repquota")


def repquota(*arguments, **options):
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=20, **options)
    return result.returncode, result.stdout, result.stderr


def main():
    for arguments, words in (((), "a FILESYSTEM and at least one ID are needed"), (("/",), "a FILESYSTEM and at least one ID are needed"),
                             (("/", "1", "-1"), "-1 is not an ID"), (("/", "01"), "01 is not an ID"), (("/", "4294967295"), "is not an ID"), (("/", "root"), "root is not an ID"),
                             (("--group", "/", "1"), "usage:")):
        status, out, err = repquota(*arguments)
        tap.check(status == 2 and out == "" and words in err, f"wrong use: {' '.join(arguments) or 'nothing'}", status, out, err)
    status, out, err = repquota("--help")
    tap.check(status == 0 and "ID BLOCKS SOFT HARD GRACE INODES SOFT HARD GRACE" in out and err == "", "--help", out, err)
    status, out, err = repquota("/no/such/place", "1")
    tap.check(status == 1 and out == "" and "open file system: /no/such/place: No such file or directory" in err, "a place that is not there", err)
    status, out, err = repquota("/etc", "1")
    tap.check(status == 1 and out == "" and "/etc is not where a file system is mounted" in err, "a directory that nothing is mounted on", err)
    for option, kind in (("--user", "user"), ("-u", "user"), ("--project", "project"), ("-p", "project")):
        status, out, err = repquota(option, "/proc", "1")
        tap.check(status == 1 and out == "" and f"read quota: {kind} quotas: this kernel, or this kind of file system, has none" in err, f"{option}: a file system without quotas", err)
    tap.end()


main()
