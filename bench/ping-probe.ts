/*
 * Pings a server every 2 ms until standard input ends; prints each round trip as JSON, with how long this process and the server's first thread
 * waited for a processor meanwhile, by the kernel's account (/proc/PID/schedstat, the second number). Microseconds. Started by ping-meanwhile.ts.
 */
import { openSync, readSync } from 'node:fs';
import net from 'node:net';
import { encodeRequest, Type } from 'warden-protocol';

const INTERVAL_MS = 2;
const [path = '', server = ''] = process.argv.slice(2);
const socket = net.connect(path);
const request = encodeRequest(Type.Ping, {});
const text = Buffer.alloc(64);
const account = (pid: number | string) => {
  const descriptor = openSync(`/proc/${pid}/task/${pid}/schedstat`, 'r');
  return (): number => Number(text.toString('latin1', 0, readSync(descriptor, text, 0, text.length, 0)).split(' ')[1]) / 1000;
};
const [waitedHere, waitedThere] = [account(process.pid), account(server)];
const samples: { took: number; waitedHere: number; waitedThere: number }[] = [];
let sent = { at: 0, here: 0, there: 0 };
let ending = false;

function ping(): void {
  sent = { here: waitedHere(), there: waitedThere(), at: performance.now() };
  socket.write(request);
}

socket.on('connect', ping);
socket.on('data', () => {
  const took = (performance.now() - sent.at) * 1000;
  samples.push({ took: Math.round(took), waitedHere: Math.round(waitedHere() - sent.here), waitedThere: Math.round(waitedThere() - sent.there) });
  if (ending) socket.end();
  else setTimeout(ping, INTERVAL_MS);
});
socket.on('close', () => process.stdout.write(JSON.stringify(samples)));
process.stdin.resume();
process.stdin.on('end', () => { ending = true; });
