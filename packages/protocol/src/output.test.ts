import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EncodedMessage } from './encode.js';
import { FrameDecoder } from './framing.js';
import { decodeResponse, encodeInfo, encodeResponse, Type } from './messages.js';
import { encodeResult, encodeResultAround } from './output.js';

for (const type of [Type.Run, Type.Link] as const) {
  test(`what is encoded is what the decoder reads, for ${Type[type]}`, () => {
    for (const [out, err] of [[0, 0], [5, 7], [16_383, 0], [16_384, 0], [0, 100_000], [3_000_000, 70_000], [127, 20_000], [20_000, 128]] as const) {
      const stdout = Buffer.alloc(out, 'o');
      const stderr = Buffer.alloc(err, 'e');
      const plain = { state: 'active', events: ['x'], jobIds: [2n ** 63n] };
      for (const info of [plain, new EncodedMessage(encodeInfo(plain))]) {
        const decoder = new FrameDecoder();
        decoder.push(Buffer.concat(encodeResult(type, { exitStatus: 255, stdout, stderr, info })));
        const payload = decoder.next();
        assert.ok(payload !== undefined && decoder.idle);
        const decoded = decodeResponse(payload);
        assert.ok(decoded.type === type);
        assert.equal(decoded.response.exitStatus, 255);
        assert.ok(stdout.equals(decoded.response.stdout ?? Buffer.alloc(0)));
        assert.ok(stderr.equals(decoded.response.stderr ?? Buffer.alloc(0)));
        assert.deepEqual(decoded.response.info?.jobIds, [2n ** 63n]);
        assert.deepEqual(decoded.response.info?.events, ['x']);
      }
    }
  });
}

test('short output is encoded as every response is, and of a long one the streams come last', () => {
  const info = { state: 'active', events: ['out of memory'], jobIds: [3n] };
  for (const length of [0, 5, 16_383]) {
    const output = Buffer.alloc(length, 0xff);
    for (const response of [{ exitStatus: 0, stdout: output, stderr: Buffer.alloc(0), info }, { stdout: output }, { exitStatus: 1, stderr: output, info }, { exitStatus: 255, stdout: output, info, signal: 9, timedOut: true, lost: false }]) {
      for (const type of [Type.Run, Type.Link] as const) assert.ok(Buffer.concat(encodeResult(type, response)).equals(encodeResponse(type, response)), JSON.stringify({ length, keys: Object.keys(response) }));
    }
  }
  const stdout = Buffer.alloc(16_384, 'o');
  const parts = encodeResult(Type.Run, { exitStatus: 255, stdout, signal: 9 });
  assert.ok(parts.includes(stdout), 'not copied');
  // Length; of the envelope type 23 and payload; exit_status 255, signal 9, stdout; stderr, empty.
  const hex = parts.map((part) => (part === stdout ? 'stdout' : Buffer.from(part).toString('hex')));
  assert.deepEqual(hex, [`${Buffer.from('16402\r\n').toString('hex')}0817128c800108ff01c83e0912808001`, 'stdout', '1a00', '', '0d0a']);
  const { beforeStdout, beforeStderr, end } = encodeResultAround(Type.Run, { exitStatus: 255, signal: 9 }, stdout.length, 0);
  assert.deepEqual([beforeStdout, beforeStderr, end].map((part) => Buffer.from(part)), [0, 2, 4].map((index) => Buffer.from(parts[index] as Uint8Array)));
});

test('how a job ended is said also where the information is encoded already', () => {
  for (const details of [{}, { signal: 9 }, { signal: 9, timedOut: true }, { lost: true }]) {
    const decoder = new FrameDecoder();
    for (const frame of encodeResult(Type.Run, { exitStatus: 255, ...details, stdout: Buffer.from('a'), info: new EncodedMessage(encodeInfo({ hostIp: '10.0.0.1' })) })) decoder.push(frame);
    const { type, response } = decodeResponse(decoder.next() ?? assert.fail('no frame'));
    assert.ok(type === Type.Run);
    const { exitStatus, signal, timedOut, lost, info, stdout } = response;
    assert.deepEqual({ exitStatus, signal, timedOut, lost, hostIp: info?.hostIp, stdout: stdout?.toString() }, { exitStatus: 255, signal: undefined, timedOut: undefined, lost: undefined, ...details, hostIp: '10.0.0.1', stdout: 'a' });
  }
});

test('more output than a frame can hold is refused in words', () => {
  assert.throws(() => encodeResult(Type.Run, { exitStatus: 0, stdout: Buffer.alloc(99_999_990), stderr: Buffer.alloc(0) }), { code: 'exhausted', message: /stream the job/ });
});
