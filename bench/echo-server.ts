/* The bare Node server that ping is compared with: what comes goes back. Started by child-server.ts. */
import net from 'node:net';

const server = net.createServer((socket) => {
  socket.on('data', (chunk) => { socket.write(chunk); });
  socket.on('error', () => { socket.destroy(); });
});
server.listen(process.argv[2], () => process.stdout.write('ready\n'));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
