"""A syslog for tests: prints each datagram that comes to the socket argv[1] as a line of hexadecimal digits."""
import os
import socket
import sys

server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
server.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(server.recv(1 << 16).hex(), flush=True)
