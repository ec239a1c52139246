import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorCodes, WardenError } from './error.js';
import { encodeFrame, FrameDecoder } from './framing.js';
import { decodeEnvelope, decodeRequest, decodeResponse, encodeError, encodeRequest, encodeResponse, errorOfResponse, messageTypes, requestTypeOf, requestTypes, Type } from './messages.js';
import { encodeLogs, encodeOutput } from './output.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** The payload of a frame. */
function payloadOf(frame: Uint8Array): Uint8Array {
  const decoder = new FrameDecoder();
  decoder.push(frame);
  return decoder.next() as Uint8Array;
}

/** An envelope of a type around hand-written bytes. */
function envelope(type: number, body: Buffer): Buffer {
  assert.ok(type < 0x80 && body.length < 0x80);
  return Buffer.concat([Buffer.from([0x08, type, 0x12, body.length]), body]);
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof WardenError, String(error));
    return `${error.name} ${error.code}: ${error.message}`;
  }
  return assert.fail('nothing was thrown');
}

describe('decodeEnvelope', () => {
  it('takes the fields in any order, with unknown ones between, the last of each counting', () => {
    const body = hex('0a0178');
    for (const text of ['085d 1203 0a0178', '1203 0a0178 085d', '08dd00 1203 0a0178', '0801 1200 085d 1203 0a0178', 'c23e03 616263 085d 1203 0a0178 b83e01',
      '085d 1283 8000 0a0178']) {
      const found = decodeEnvelope(hex(text));
      assert.equal(found.type, 93, text);
      assert.deepEqual(Buffer.from(found.body), body, text);
    }
  });

  it('refuses what is no envelope', () => {
    assert.match(codeOf(() => decodeEnvelope(hex(''))), /MessageError protocol: Message: the required field type is missing/);
    assert.match(codeOf(() => decodeEnvelope(hex('085b'))), /required field payload is missing/);
    assert.match(codeOf(() => decodeEnvelope(hex('1200'))), /required field type is missing/);
    for (const text of ['08', '085b12', '085b1205', '085b120500', '085b12ffffffffff', 'ff', '0003', '07', '085b1200 0b', '085b1200 0c', '085d 1283808080 0a0178', '085b 1200 f8ffffffffffffffffff01 00']) {
      assert.match(codeOf(() => decodeEnvelope(hex(text))), /^MessageError protocol: cannot decode Message: /, text);
    }
  });
});

describe('a request with much data', () => {
  const data = Buffer.alloc(300_000, 7);

  it('is what one with little is', () => {
    for (const size of [4095, 4096, 4097, 300_000]) {
      const part = data.subarray(0, size);
      for (const [type, request] of [
        [Type.TransferData, { transferId: 3, data: part, last: true }],
        [Type.WriteFile, { handle: 'h', path: Buffer.from('p'), user: 'u', mode: 0o600, append: true, exclusive: false, offset: 2n ** 40n, data: part, transferId: 0xffff_ffff }],
        [Type.Input, { handle: 'h', jobId: 9, data: part, close: true }],
      ] as const) {
        const decoded = decodeRequest(payloadOf(encodeRequest(type, request)));
        assert.equal(decoded.type, type);
        assert.deepEqual(Object.entries(decoded.request).map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value) : value]).sort(), Object.entries(request).sort());
      }
    }
  });

  it('is put into memory that is given, if it has room', () => {
    const memory = Buffer.alloc(300_100, 1);
    const frame = encodeRequest(Type.TransferData, { transferId: 3, data }, memory);
    assert.equal(frame.buffer, memory.buffer);
    assert.deepEqual(frame, encodeRequest(Type.TransferData, { transferId: 3, data }));
    assert.notEqual(encodeRequest(Type.TransferData, { transferId: 3, data }, memory.subarray(0, 300_000)).buffer, memory.buffer);
  });

  it('says what is missing, or does not fit', () => {
    assert.match(codeOf(() => encodeRequest(Type.TransferData, { data } as never)), /invalid_argument: TransferDataRequest: the required field transfer_id is missing/);
    assert.match(codeOf(() => encodeRequest(Type.TransferData, { transferId: -1, data })), /invalid_argument: TransferDataRequest.transfer_id/);
    assert.match(codeOf(() => encodeRequest(Type.TransferData, { transferId: 1, data: Buffer.alloc(100_000_000) })), /does not fit a frame/);
  });
});

describe('lateInfo', () => {
  const info = { state: 'active', events: ['x'], jobIds: [2n ** 64n - 1n], memoryStat: { cache: 2n ** 32n, rss: 2n ** 32n - 1n, mappedFile: 0n } };
  const decoded = decodeResponse(payloadOf(encodeResponse(Type.Info, info))).response;

  it('gives the same message', () => {
    for (const type of [Type.Link, Type.Run, Type.Stream] as const) {
      const payload = payloadOf(encodeResponse(type, { exitStatus: 3, info }));
      const { response } = decodeResponse(payload, { lateInfo: true });
      // What was read into is used again, while nobody has asked for the info.
      payload.fill(0xff);
      assert.deepEqual(response, { exitStatus: 3, info: decoded });
      assert.equal((response as { info: unknown }).info, (response as { info: unknown }).info, 'decoded once');
    }
    const { response } = decodeResponse(payloadOf(encodeResponse(Type.Info, info)), { lateInfo: true });
    assert.deepEqual(response, decoded);
  });

  it('is there for whoever copies the reply, or has frozen it', () => {
    const reply = (): { readonly info?: unknown } => decodeResponse(payloadOf(encodeResponse(Type.Run, { exitStatus: 3, info })), { lateInfo: true }).response as never;
    assert.deepEqual({ ...reply() }.info, decoded);
    assert.deepEqual(Object.assign({}, reply()).info, decoded);
    assert.deepEqual(structuredClone(reply()).info, decoded);
    assert.match(JSON.stringify(reply(), (_, value: unknown) => typeof value === 'bigint' ? `${value}` : value), /"info":\{"events":\["x"\],/);
    const frozen = Object.freeze(reply());
    for (let times = 0; times < 2; times++) assert.deepEqual(frozen.info, decoded);
  });

  it('names what is wrong with it when it is read, and is merged with one that comes later', () => {
    // LinkResponse: exit_status 1, info with a field that reaches past its end.
    const { response } = decodeResponse(envelope(Type.Link, hex('0801 2202 5205')), { lateInfo: true });
    assert.equal((response as { exitStatus: number }).exitStatus, 1);
    assert.match(codeOf(() => (response as { info: unknown }).info), /^MessageError protocol: cannot decode InfoResponse/);
    assert.match(codeOf(() => decodeResponse(envelope(Type.Link, hex('2205')), { lateInfo: true })), /^MessageError protocol: cannot decode LinkResponse/);
    const twice = decodeResponse(envelope(Type.Link, hex('2203 520161 2204 f2010162')), { lateInfo: true }).response as { info: { state?: string; hostIp?: string } };
    assert.deepEqual([twice.info.state, twice.info.hostIp], ['a', 'b']);
  });
});

describe('decodeRequest', () => {
  it('names an unknown type', () => {
    assert.match(codeOf(() => decodeRequest(envelope(77, hex('')))), /MessageError protocol: unknown message type 77/);
    assert.match(codeOf(() => decodeRequest(hex('08ec0e 1200'))), /unknown message type 1900/);
    assert.match(codeOf(() => decodeRequest(hex('08ffffffffffffffffff01 1200'))), /unknown message type -1/);
    assert.match(codeOf(() => decodeRequest(envelope(Type.Error, hex('')))), /an error reply is not a request/);
  });

  it('tells truncated and malformed messages from incomplete ones', () => {
    for (const [type, text] of [[93, '0a'], [93, '0a05 68'], [93, '0aff'], [24, '0a0178 10'], [91, '08'], [91, 'ff'], [11, '0a02 0a05'], [11, '0a05 0a0161 1205'], [11, '0a03 0a0561 1201']] as const) {
      assert.match(codeOf(() => decodeRequest(envelope(type, hex(text)))), /^MessageError protocol: cannot decode /, text);
    }
    assert.match(codeOf(() => decodeRequest(envelope(93, hex('')))), /^WardenError invalid_argument: EchoRequest: the required field message is missing/);
  });

  it('does not let a nested message read past its end', () => {
    // bind_mounts of 4 bytes whose src_path claims 5: the bytes are there, but they belong to the next field.
    assert.match(codeOf(() => decodeRequest(envelope(11, hex('0a04 0a05 6161 1a03 616161')))), /cannot decode CreateRequest.BindMount: a field reaches past its end/);
  });

  it('skips a field of another wire type as unknown', () => {
    assert.match(codeOf(() => decodeRequest(envelope(93, hex('0801')))), /required field message is missing/);
    assert.deepEqual(decodeRequest(envelope(93, hex('0801 0a0178'))), { type: 93, request: { message: 'x' } });
  });

  it('refuses unknown values of enums, and text that is not UTF-8', () => {
    assert.match(codeOf(() => decodeRequest(envelope(32, hex('0a0178 2809')))), /invalid_argument: NetOutRequest: the field protocol has the unknown value 9/);
    assert.match(codeOf(() => decodeRequest(envelope(93, hex('0a02 c328')))), /invalid_argument: EchoRequest: the field message is not valid UTF-8/);
    assert.match(codeOf(() => decodeRequest(envelope(93, hex('0a09 7878787878787878ff')))), /not valid UTF-8/);
    assert.deepEqual(decodeRequest(envelope(93, Buffer.from('\n\x04\ufffdx'))).request, { message: '\ufffdx' });
    assert.equal((decodeResponse(envelope(93, hex('0a02 c328'))).response as { message: string }).message, '\ufffd(');
  });

  it('bounds how deep groups may nest', () => {
    const deep = Buffer.concat([Buffer.alloc(20000, 0x0b), Buffer.alloc(20000, 0x0c)]);
    const payload = payloadOf(encodeFrame(Buffer.concat([hex('085b'), hex('12c0b802'), deep])));
    assert.match(codeOf(() => decodeRequest(payload)), /^MessageError protocol: cannot decode PingRequest: /);
  });

  it('merges a nested message that comes twice, and takes packed numbers', () => {
    const run = decodeRequest(envelope(23, hex('0a0178 120179 2202 0805 2202 1006')));
    assert.deepEqual(run, { type: 23, request: { handle: 'x', script: 'y', rlimits: { as: 5n, core: 6n }, env: [], args: [] } });
    const info = decodeResponse(envelope(14, hex('e00201 e202 03 02ac02')));
    assert.deepEqual(info.response, { events: [], jobIds: [1n, 2n, 300n], netOut: [], netIn: [], bindMounts: [], labels: [] });
    assert.match(codeOf(() => decodeResponse(envelope(14, hex('e202 02 02ac02')))), /MessageError/);
  });

  it('has no field that reaches a prototype', () => {
    const { request } = decodeRequest(payloadOf(encodeRequest(Type.Create, { handle: '__proto__' })));
    assert.equal(Object.getPrototypeOf(request), Object.prototype);
    assert.deepEqual(Object.keys(request).sort(), ['bindMounts', 'handle', 'hooks', 'labels']);
  });

  it('leaves what is not set undefined', () => {
    const decoded = decodeRequest(payloadOf(encodeRequest(Type.Stop, { handle: 'x' })));
    assert.ok(decoded.type === Type.Stop);
    assert.equal(decoded.request.kill, undefined);
    assert.equal(decoded.request.background, undefined);
  });
});

describe('encoding', () => {
  it('names a missing required field, in nested messages too', () => {
    assert.match(codeOf(() => encodeRequest(Type.Echo, {} as never)), /invalid_argument: EchoRequest: the required field message is missing/);
    assert.match(codeOf(() => encodeRequest(Type.Create, { bindMounts: [{ srcPath: 'a', dstPath: 'b' } as never] })), /CreateRequest.BindMount: the required field mode is missing/);
  });

  it('refuses values out of range', () => {
    assert.match(codeOf(() => encodeRequest(Type.Stream, { handle: 'x', jobId: 2 ** 32 })), /invalid_argument: .*StreamRequest.job_id/);
  });

  it('refuses values of another type, also within', () => {
    const refused: [() => unknown, RegExp][] = [
      [() => encodeRequest(Type.Echo, { message: 5 } as never), /invalid_argument: EchoRequest.message: has to be a string, not a number/],
      [() => encodeRequest(Type.Create, { bindMounts: [{ srcPath: '/a', dstPath: 1 }] } as never), /invalid_argument: .*dst_path: has to be a string/],
      [() => encodeRequest(Type.Create, { bindMounts: 'x' } as never), /invalid_argument: CreateRequest.bind_mounts: has to be a list/],
      [() => encodeRequest(Type.Spawn, { handle: 'x', script: '', privileged: 1 } as never), /invalid_argument: SpawnRequest.privileged: has to be a boolean/],
      [() => encodeRequest(Type.Spawn, { handle: 'x', script: '', rlimits: { as: -1n } }), /invalid_argument: ResourceLimits.as: /],
      [() => encodeRequest(Type.Input, { handle: 'x', jobId: 1, data: 'x' } as never), /invalid_argument: InputRequest.data: has to be a Uint8Array/],
    ];
    for (const [encode, expected] of refused) assert.match(codeOf(encode), expected);
    assert.match(codeOf(() => encodeRequest(Type.Stream, { handle: 'x', jobId: -1 })), /job_id/);
    assert.match(codeOf(() => encodeRequest(Type.LimitMemory, { handle: 'x', limitInBytes: 2n ** 64n })), /limit_in_bytes/);
    assert.match(codeOf(() => encodeRequest(Type.LimitMemory, { handle: 'x', limitInBytes: -1n })), /limit_in_bytes/);
  });

  it('keeps undefined fields off the wire', () => {
    assert.equal(encodeRequest(Type.Stop, { handle: 'x', kill: undefined }).toString('hex'), encodeRequest(Type.Stop, { handle: 'x' }).toString('hex'));
  });

  it('keeps uint64 exact', () => {
    for (const value of [0n, 1n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      assert.deepEqual(decodeResponse(payloadOf(encodeResponse(Type.LimitMemory, { limitInBytes: value }))).response, { limitInBytes: value });
    }
  });

  it('makes one frame that any length of payload fits', () => {
    for (const length of [0, 1, 90, 127, 128, 16383, 16384, 2097151, 2097152]) {
      const stdout = Buffer.alloc(length, 'x');
      const decoded = decodeResponse(payloadOf(encodeResponse(Type.Run, { exitStatus: 0, stdout })));
      assert.ok(decoded.type === Type.Run);
      assert.equal(decoded.response.stdout?.length, length);
    }
  });
});

describe('encodeOutput', () => {
  it('is the StreamResponse it stands for, small and large', () => {
    for (const length of [0, 1, 100, 16383, 16384, 300000]) {
      for (const name of ['stdout', 'stderr'] as const) {
        const data = Buffer.alloc(length, '\u00ff\n', 'latin1');
        const parts = encodeOutput(name, data);
        assert.ok(Buffer.concat(parts).equals(encodeResponse(Type.Stream, { name, data })), `${name} ${length}`);
      }
    }
  });

  it('does not copy large data', () => {
    const data = Buffer.alloc(65536);
    assert.ok(encodeOutput('stdout', data).includes(data));
    assert.equal(encodeOutput('stdout', data.subarray(0, 10)).length, 1);
  });
});

describe('encodeLogs', () => {
  it('is the LogsResponse it stands for, small and large, at any position', () => {
    for (const length of [0, 1, 16383, 16384, 300000]) {
      for (const position of [0n, 127n, 128n, 2n ** 32n + 5n, 2n ** 63n, 2n ** 64n - 1n]) {
        const data = Buffer.alloc(length, '\u00ff\n', 'latin1');
        assert.ok(Buffer.concat(encodeLogs('stderr', data, position)).equals(encodeResponse(Type.Logs, { name: 'stderr', data, position })), `${length} at ${position}`);
      }
    }
  });

  it('does not copy large data', () => {
    const data = Buffer.alloc(65536);
    assert.ok(encodeLogs('stdout', data, 1n).includes(data));
    assert.equal(encodeLogs('stdout', data.subarray(0, 10), 1n).length, 1);
  });
});

describe('errors on the wire', () => {
  it('carry message and code', () => {
    for (const code of errorCodes) {
      const decoded = decodeResponse(payloadOf(encodeError(new WardenError(code, 'it – failed', { data: { secret: 1 }, cause: new Error('why') }))));
      assert.deepEqual(decoded, { type: Type.Error, response: { backtrace: [], message: 'it – failed', data: code } });
      assert.ok(decoded.type === Type.Error);
      const error = errorOfResponse(decoded.response);
      assert.deepEqual([error.code, error.message, error.data], [code, 'it – failed', undefined]);
    }
  });

  it('of other servers are understood as far as they go', () => {
    const plain = errorOfResponse({ message: 'unknown handle', backtrace: [] });
    assert.deepEqual([plain.code, plain.message, plain.data], ['internal', 'unknown handle', undefined]);
    assert.equal(errorOfResponse({ message: 'm', data: '{"code":"exists","more":1}', backtrace: [] }).code, 'exists');
    for (const data of ['nonsense', '{"code":"nonsense"}', '{', '{"code":1}', '__proto__']) {
      const error = errorOfResponse({ message: 'm', data, backtrace: [] });
      assert.deepEqual([error.code, error.data], ['internal', data]);
    }
    assert.match(errorOfResponse({ backtrace: [] }).message, /no message/);
  });
});

describe('WardenError.from', () => {
  it('keeps its own kind and wraps the rest with its cause', () => {
    const own = new WardenError('exists', 'x');
    assert.equal(WardenError.from(own), own);
    const cause = new Error('disk on fire');
    const wrapped = WardenError.from(cause, 'unavailable');
    assert.deepEqual([wrapped.code, wrapped.message, wrapped.cause], ['unavailable', 'disk on fire', cause]);
    assert.deepEqual([WardenError.from('text').code, WardenError.from('text').message], ['internal', 'text']);
  });
});

describe('names', () => {
  it('find their types', () => {
    for (const type of requestTypes) assert.equal(requestTypeOf(messageTypes[type].name), type);
    assert.equal(requestTypes.length, Object.keys(Type).length / 2 - 1);
    assert.equal(requestTypeOf('__proto__'), undefined);
  });
});
