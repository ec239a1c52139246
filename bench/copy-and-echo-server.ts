/*
 * The bare Node server that a ping beside a stream is compared with: one event loop that echoes what comes, and copies zeros from a program to whoever
 * begins with an "s", with nothing in between. Started by child-server.ts.
 */
import { spawn } from 'node:child_process';
import net from 'node:net';

const server = net.createServer((client) => {
  client.on('error', () => client.destroy());
  client.once('data', (first: Buffer) => {
    if (first[0] !== 's'.charCodeAt(0)) {
      client.write(first);
      client.on('data', (chunk) => { client.write(chunk); });
      return;
    }
    const source = spawn('head', ['-c', '64G', '/dev/zero'], { stdio: ['ignore', 'pipe', 'inherit'] });
    client.on('close', () => source.kill());
    source.stdout.pipe(client);
  });
});
server.listen(process.argv[2], () => process.stdout.write('ready\n'));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
