/* Pings a server every 2 ms until standard input ends; prints the round trips in microseconds as JSON. Started by cycles.ts. */
import net from 'node:net';
import { encodeRequest, Type } from 'warden-protocol';

const INTERVAL_MS = 2;
const socket = net.connect(process.argv[2] ?? '');
const request = encodeRequest(Type.Ping, {});
const samples: number[] = [];
let sent = 0;
let ending = false;

function ping(): void {
  sent = performance.now();
  socket.write(request);
}

socket.on('connect', ping);
socket.on('data', () => {
  samples.push(Math.round((performance.now() - sent) * 1000));
  if (ending) socket.end();
  else setTimeout(ping, INTERVAL_MS);
});
socket.on('close', () => process.stdout.write(JSON.stringify(samples)));
process.stdin.resume();
process.stdin.on('end', () => { ending = true; });
