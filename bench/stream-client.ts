/*
 * A client that streams a job's output as fast as it comes and does nothing with it; says "streaming" with the first byte, and ends when its
 * standard input does, with its container. Started by beside-stream.ts.
 */
import net from 'node:net';
import { WardenClient } from 'warden-client';
import { encodeRequest, Type } from 'warden-protocol';

const BUFFER_BYTES = 256 * 1024;
const path = process.argv[2] ?? '';
const client = await WardenClient.connect({ path });
const { handle } = await client.create();
// More than there is time for.
const { jobId } = await client.spawn({ handle, script: 'head -c 32G /dev/zero' });
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
socket.on('connect', () => socket.write(encodeRequest(Type.Stream, { handle, jobId })));
process.stdin.resume();
process.stdin.on('end', () => {
  process.stdout.write(`${bytes / 1e6 / ((performance.now() - begin) / 1000)}\n`);
  socket.destroy();
  void client.destroy({ handle }).then(() => client.close());
});
