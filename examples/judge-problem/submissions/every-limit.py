# Does something else wrong in each test.
import sys

a, b = map(int, sys.stdin.read().split())
if a == 2:
    while True:
        pass
elif a == -7:
    memory = b"x" * (512 * 1024 * 1024)
    print(len(memory))
else:
    while True:
        sys.stdout.write("8000000000" * 10000)
