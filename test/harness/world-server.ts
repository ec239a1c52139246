/* The servers inside "the world": TCP and UDP echo on one port; one line of JSON for each connection and datagram. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

const port = Number(process.argv[2]);
const report = (protocol: string, from: string, data: string): void => {
  process.stdout.write(`${JSON.stringify({ protocol, from, data })}\n`);
};

const tcp = net.createServer((socket) => {
  const from = socket.remoteAddress ?? '';
  report('tcp', from, '');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    report('tcp', from, chunk.toString());
    socket.write(chunk);
  });
});
const udp = dgram.createSocket('udp4', (message, remote) => {
  report('udp', remote.address, message.toString());
  udp.send(message, remote.port, remote.address);
});
tcp.listen(port, '0.0.0.0');
udp.bind(port, '0.0.0.0');
await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
