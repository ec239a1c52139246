/* TCP and UDP echo on the given addresses, ADDRESS:PORT each; one line of JSON for each connection and datagram. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

const report = (protocol: string, from: string, to: string, data: string): void => {
  process.stdout.write(`${JSON.stringify({ protocol, from, to, data })}\n`);
};

async function serve(address: string, port: number): Promise<void> {
  const tcp = net.createServer((socket) => {
    const [from, to] = [socket.remoteAddress ?? '', socket.localAddress ?? ''];
    report('tcp', from, to, '');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      report('tcp', from, to, chunk.toString());
      socket.write(chunk);
    });
  });
  const udp = dgram.createSocket('udp4', (message, remote) => {
    report('udp', remote.address, address, message.toString());
    udp.send(message, remote.port, remote.address);
  });
  tcp.listen(port, address);
  udp.bind(port, address);
  await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
}

await Promise.all(process.argv.slice(2).map((text) => {
  const [address = '0.0.0.0', port = '0'] = text.split(':');
  return serve(address, Number(port));
}));
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
