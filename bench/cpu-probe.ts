/*
 * Loaded into a wardend that is profiled (`--import`, by NODE_OPTIONS): the first connection to the socket that CPU_PROBE_SOCKET names begins V8's
 * profile and is answered when it has begun, the second ends it and gets it as JSON.
 */
import { Session } from 'node:inspector/promises';
import net from 'node:net';

const SAMPLE_US = 200;

const path = process.env['CPU_PROBE_SOCKET'];
// Programs of wardend's own are not profiled.
delete process.env['NODE_OPTIONS'];
delete process.env['CPU_PROBE_SOCKET'];

async function begin(session: Session): Promise<string> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  await session.post('Profiler.start');
  return 'begun';
}

async function end(session: Session): Promise<string> {
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return JSON.stringify(profile);
}

if (path !== undefined) {
  let session: Session | undefined;
  net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    const known = session;
    session = known === undefined ? new Session() : undefined;
    const answer = known === undefined ? begin(session as Session) : end(known);
    answer.then((text) => socket.end(text), () => socket.destroy());
  }).listen(path).unref();
}
