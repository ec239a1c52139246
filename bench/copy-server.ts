/*
 * The bare Node copy that job output is compared with: to each client so many zeros, from a program whose standard output is a unix
 * socket to the client's unix socket, with nothing in between. Started by child-server.ts.
 */
import { spawn } from 'node:child_process';
import net from 'node:net';

const [path, bytes = '0'] = process.argv.slice(2);
const server = net.createServer((client) => {
  const source = spawn('head', ['-c', bytes, '/dev/zero'], { stdio: ['ignore', 'pipe', 'inherit'] });
  client.on('error', () => source.kill());
  source.stdout.pipe(client);
});
server.listen(path, () => process.stdout.write('ready\n'));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
