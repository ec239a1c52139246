/*
 * A client that streams as fast as bytes come and does nothing with them: a job's output from wardend, or with "bare" zeros from
 * copy-and-echo-server.ts. Says "streaming" with the first byte; when its standard input ends it says how many megabytes came in a second, removes
 * its container, and ends. Started by beside-stream.ts.
 */
import net from 'node:net';
import { WardenClient } from 'warden-client';
import { encodeRequest, Type } from 'warden-protocol';

const BUFFER_BYTES = 256 * 1024;
const [path = '', mode] = process.argv.slice(2);

/** What to send, and what to do in the end. */
async function inContainer(): Promise<{ request: Uint8Array; finish: () => Promise<void> }> {
  const client = await WardenClient.connect({ path });
  const { handle } = await client.create();
  // More than there is time for.
  const { jobId } = await client.spawn({ handle, script: 'head -c 32G /dev/zero' });
  return {
    request: encodeRequest(Type.Stream, { handle, jobId }),
    async finish() {
      await client.destroy({ handle });
      await client.close();
    },
  };
}

const { request, finish } = mode === 'bare' ? { request: Buffer.from('s'), finish: () => Promise.resolve() } : await inContainer();
let [bytes, begin] = [0, 0];
const callback = (length: number): boolean => {
  if (bytes === 0) {
    begin = performance.now();
    process.stdout.write('streaming\n');
  }
  bytes += length;
  return true;
};
const socket = net.connect({ path, onread: { buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES), callback } });
socket.on('connect', () => socket.write(request));
process.stdin.resume();
process.stdin.on('end', () => {
  process.stdout.write(`${bytes / 1e6 / ((performance.now() - begin) / 1000)}\n`);
  socket.destroy();
  void finish();
});
