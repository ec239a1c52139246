/*
 * Output of a job on its way to a client. The job is `head -c N /dev/zero` in the container; the daemon runs with a job_output_limit
 * above N, so all of it is kept in the job's spool as the contract demands, and streamed meanwhile.
 */
import { once } from 'node:events';
import net from 'node:net';
import { encodeRequest, Type } from 'warden-protocol';
import { WardenClient } from 'warden-client';
import { ChildServer } from './child-server.js';
import { takeTurns } from './measurement.js';
import type { Result, Surroundings } from './measurement.js';
import { median } from './statistics.js';
import { atLeast, atLeastPercent, rowOf } from './table.js';

const BUFFER_BYTES = 256 * 1024;
/** One reply has to fit a frame. */
const RUN_BYTES = 64 * 1024 ** 2;
const IDLE_MS = 20_000;

/** Reads until so many bytes have come, in a client that only counts. */
async function countBytes(path: string, request: Uint8Array | undefined, bytes: number): Promise<void> {
  let finish: () => void = () => {};
  let fail: (reason: Error) => void = () => {};
  const finished = new Promise<void>((resolve, reject) => { [finish, fail] = [resolve, reject]; });
  let received = 0;
  const callback = (length: number): boolean => {
    received += length;
    if (received >= bytes) finish();
    return true;
  };
  const socket = net.connect({ path, onread: { buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES), callback } });
  socket.setTimeout(IDLE_MS, () => fail(new Error(`only ${received} of ${bytes} bytes came`)));
  socket.once('error', fail);
  socket.once('close', () => fail(new Error(`the server closed the connection after ${received} of ${bytes} bytes`)));
  await once(socket, 'connect');
  if (request !== undefined) socket.write(request);
  await finished;
  socket.removeAllListeners('close');
  socket.destroy();
}

/** Megabytes (10^6) per second. */
async function rateOf(bytes: number, transfer: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await transfer();
  return bytes / 1e6 / ((performance.now() - begin) / 1000);
}

/** A fresh container each time, so that the last spool is gone. */
async function inContainer(client: WardenClient, measure: (handle: string) => Promise<number>): Promise<number> {
  const { handle } = await client.create();
  try {
    return await measure(handle);
  } finally {
    await client.destroy({ handle });
  }
}

const script = (bytes: number): string => `head -c ${bytes} /dev/zero`;

export async function output({ server, sizes, directory }: Surroundings): Promise<Result> {
  const bytes = sizes.outputInBytes;
  const client = await WardenClient.connect({ path: server.socket });
  const copy = await ChildServer.start('copy-server', `${directory}/copy.sock`, String(bytes));
  const [streamed, consumed, ran, copied]: [number[], number[], number[], number[]] = [[], [], [], []];

  const streamRaw = (handle: string): Promise<number> => rateOf(bytes, async () => {
    const { jobId } = await client.spawn({ handle, script: script(bytes) });
    await countBytes(server.socket, encodeRequest(Type.Stream, { handle, jobId }), bytes);
  });
  const streamWithClient = (handle: string): Promise<number> => rateOf(bytes, async () => {
    const { jobId } = await client.spawn({ handle, script: script(bytes) });
    let received = 0;
    for await (const { data } of client.stream({ handle, jobId })) received += data.length;
    if (received !== bytes) throw new Error(`${received} of ${bytes} bytes of output came`);
  });
  const run = (handle: string): Promise<number> => rateOf(RUN_BYTES, async () => {
    const { stdout } = await client.run({ handle, script: script(RUN_BYTES) });
    if (stdout.length !== RUN_BYTES) throw new Error(`${stdout.length} of ${RUN_BYTES} bytes of output came`);
  });

  await takeTurns(
    sizes.outputRepeats,
    async () => { copied.push(await rateOf(bytes, () => countBytes(copy.path, undefined, bytes))); },
    async () => {
      streamed.push(await inContainer(client, streamRaw));
      consumed.push(await inContainer(client, streamWithClient));
      ran.push(await inContainer(client, run));
    },
  );
  await copy.close();
  await client.close();
  const reference = { name: 'bare Node unix-socket copy', value: median(copied) };
  const size = `${bytes / 1024 ** 2} MiB`;
  const bounds = (figure: number) => ({ reference, budget: atLeast(300, 'MB/s', figure), goal: atLeastPercent(60, figure, reference.value) });
  return {
    rows: [
      rowOf(`stream of ${size}, to a client that counts`, 'MB/s', median(streamed), bounds(median(streamed))),
      rowOf(`stream of ${size}, to packages/client`, 'MB/s', median(consumed), { reference }),
      rowOf(`run with ${RUN_BYTES / 1024 ** 2} MiB of output, to packages/client`, 'MB/s', median(ran), bounds(median(ran))),
    ],
    samples: { 'stream': streamed, 'stream to client': consumed, 'run output': ran, 'copy': copied },
  };
}
