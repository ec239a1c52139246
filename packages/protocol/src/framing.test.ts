import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeFrame, FrameDecoder, FrameError, MAX_FRAME_LENGTH } from './framing.js';
import { WardenError } from './error.js';

function decodeAll(decoder: FrameDecoder, chunks: Iterable<Uint8Array>): string[] {
  const payloads: string[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let payload = decoder.next(); payload !== undefined; payload = decoder.next()) payloads.push(Buffer.from(payload).toString('latin1'));
  }
  return payloads;
}

function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function failure(text: string, maxLength?: number): FrameError {
  const decoder = new FrameDecoder({ maxLength });
  try {
    decodeAll(decoder, [Buffer.from(text, 'latin1')]);
  } catch (error) {
    assert.ok(error instanceof FrameError);
    assert.equal(error.code, 'protocol');
    assert.throws(() => decoder.next(), (again) => again === error, 'a failed decoder keeps its error');
    decoder.push(Buffer.from('1\r\nx\r\n'));
    assert.throws(() => decoder.next(), (again) => again === error);
    assert.throws(() => decoder.end(), (again) => again === error);
    return error;
  }
  return assert.fail(`${JSON.stringify(text)} was accepted`);
}

const texts = ['hello', '', '\r\n', '5\r\nhello\r\n', 'x'.repeat(10), 'y'.repeat(100), 'z'.repeat(12345)];
const stream = Buffer.concat(texts.map((text) => encodeFrame(Buffer.from(text, 'latin1'))));

describe('FrameDecoder', () => {
  it('cuts a stream that comes in one piece', () => {
    const decoder = new FrameDecoder();
    assert.deepEqual(decodeAll(decoder, [stream]), texts);
    assert.ok(decoder.idle);
    decoder.end();
  });

  it('gathers what comes in pieces in memory that it is given, however much of it there is', () => {
    const memory = [Buffer.alloc(100_000), Buffer.alloc(100_000)];
    const wanted: number[] = [];
    const decoder = new FrameDecoder({
      take: (sizeInBytes) => {
        wanted.push(sizeInBytes);
        return memory.shift() ?? Buffer.alloc(sizeInBytes);
      },
    });
    const frames = Buffer.concat(['a', 'b'].map((letter) => encodeFrame(Buffer.alloc(20_000, letter))));
    const first = memory[0];
    decoder.push(frames.subarray(0, 5000));
    assert.equal(decoder.next(), undefined);
    decoder.push(frames.subarray(5000, 30_000));
    const payload = decoder.next();
    assert.deepEqual([wanted, payload?.buffer === first?.buffer, decoder.isPayloadOwn], [[20_000], true, true]);
    assert.ok(payload !== undefined && Buffer.alloc(20_000, 'a').equals(payload));
    assert.equal(decoder.next(), undefined);
    decoder.push(frames.subarray(30_000));
    const second = decoder.next();
    assert.ok(second !== undefined && Buffer.alloc(20_000, 'b').equals(second) && Buffer.alloc(20_000, 'a').equals(payload), 'the first one is as it was');
  });

  it('gives the same at every split point', () => {
    const short = stream.subarray(0, stream.length - 12000);
    const expected = decodeAll(new FrameDecoder(), [short]);
    for (let at = 0; at <= short.length; at++) {
      assert.deepEqual(decodeAll(new FrameDecoder(), [short.subarray(0, at), short.subarray(at)]), expected, `split at ${at}`);
    }
  });

  it('gives the same out of memory that is lent and used again at once, also when payloads are asked for later', () => {
    for (const isTrusted of [false, true]) {
      for (const size of [1, 2, 3, 7, 64, 4095, 4096, 4097]) {
        for (const row of [1, 2, 1000]) {
          const decoder = new FrameDecoder({ isTrusted });
          const memory = Buffer.alloc(size);
          const payloads: string[] = [];
          for (const piece of pieces(stream, size)) {
            memory.set(piece);
            decoder.lend(memory.subarray(0, piece.length));
            for (let count = 0; count < row; count++) {
              const payload = decoder.next();
              if (payload === undefined) break;
              payloads.push(Buffer.from(payload).toString('latin1'));
            }
            decoder.keep();
            memory.fill(0xff);
          }
          payloads.push(...decodeAll(decoder, [encodeFrame(Buffer.from('last'))]));
          assert.deepEqual(payloads, [...texts, 'last'], `pieces of ${size}, ${row} at a time`);
          assert.equal(decoder.bufferedLength, 0);
        }
      }
    }
  });

  it('says whether a payload is a view of what was pushed', () => {
    const decoder = new FrameDecoder();
    const of = (...texts: readonly string[]): (boolean | undefined)[] => texts.map((text) => {
      decoder.push(Buffer.from(text));
      return decoder.next() === undefined ? undefined : decoder.isPayloadOwn;
    });
    assert.deepEqual(of('2\r\nab\r\n', '2\r\na', 'b\r\n', '2\r\nab\r\n', '0\r\n\r\n'), [false, undefined, true, false, false]);
    decoder.lend(Buffer.from('2\r\nab'));
    assert.equal(decoder.next(), undefined);
    decoder.keep();
    assert.deepEqual(of('\r\n'), [true], 'whole, but for what goes behind it');
  });

  it('keeps nothing of memory that is lent when it has failed', () => {
    const decoder = new FrameDecoder();
    decoder.lend(Buffer.from('4\r\nabcdXX'));
    assert.throws(() => decoder.next(), { reason: 'missing_trailer' });
    decoder.keep();
    assert.equal(decoder.bufferedLength, 0);
  });

  it('takes memory for a whole payload at once from a peer that is trusted', () => {
    const decoder = new FrameDecoder({ isTrusted: true });
    decoder.push(Buffer.from('1000\r\nab'));
    decoder.next();
    decoder.push(Buffer.concat([Buffer.alloc(998, 'c'), Buffer.from('\r\n')]));
    assert.deepEqual([decoder.next()?.buffer.byteLength, decoder.bufferedLength], [1000, 0]);
  });

  it('takes some of it ahead from one that is not, and no more than a mebibyte', () => {
    const sizes = (length: number, ...chunks: readonly number[]): number[] => {
      const decoder = new FrameDecoder();
      const taken: number[] = [];
      const original = Buffer.allocUnsafeSlow;
      Buffer.allocUnsafeSlow = (size) => {
        taken.push(size);
        return original(size);
      };
      try {
        decoder.push(Buffer.from(`${length}\r\n`));
        for (const size of chunks) {
          decoder.push(Buffer.alloc(size));
          decoder.next();
        }
      } finally {
        Buffer.allocUnsafeSlow = original;
      }
      return taken;
    };
    assert.deepEqual(sizes(300_000, 60_000, 65_536, 65_536), [300_000]);
    assert.deepEqual(sizes(300_000, 1000, 6000, 1001, 70_000), [8000, 64_008, 300_000]);
    assert.deepEqual(sizes(16_000_000, 1_000_000, 48_576, 1), [1_048_576, 2_097_152]);
    assert.deepEqual(sizes(16_000_000, 1), [4096]);
  });

  it('gives the same in pieces of any size', () => {
    for (const size of [1, 2, 3, 7, 64, 4095, 4096, 4097]) {
      const decoder = new FrameDecoder();
      assert.deepEqual(decodeAll(decoder, pieces(stream, size)), texts, `pieces of ${size}`);
      assert.equal(decoder.bufferedLength, 0);
    }
  });

  it('can be asked later for what was pushed before', () => {
    const decoder = new FrameDecoder();
    for (const piece of pieces(stream, 5)) decoder.push(piece);
    assert.equal(decoder.bufferedLength, stream.length);
    assert.deepEqual(decodeAll(decoder, [encodeFrame(Buffer.from('last'))]), [...texts, 'last']);
  });

  it('hands out a view of the chunk when a frame lies in it, and a copy when not', () => {
    const decoder = new FrameDecoder();
    const chunk = encodeFrame(Buffer.from('hello'));
    decoder.push(chunk);
    assert.equal(decoder.next()?.buffer, chunk.buffer);
    decoder.push(chunk.subarray(0, 5));
    assert.equal(decoder.next(), undefined);
    decoder.push(chunk.subarray(5));
    const payload = decoder.next() as Uint8Array;
    assert.notEqual(payload.buffer, chunk.buffer);
    assert.equal(Buffer.from(payload).toString(), 'hello');
  });

  it('hands out the frames in front of a malformed one', () => {
    const decoder = new FrameDecoder();
    decoder.push(Buffer.from('1\r\na\r\n2\r\nbc\r\n-1\r\n'));
    assert.equal(Buffer.from(decoder.next() as Uint8Array).toString(), 'a');
    assert.equal(Buffer.from(decoder.next() as Uint8Array).toString(), 'bc');
    assert.throws(() => decoder.next(), FrameError);
  });

  it('accepts the maximum and refuses one byte more, at the header already', () => {
    assert.deepEqual(decodeAll(new FrameDecoder({ maxLength: 3 }), [Buffer.from('3\r\nabc\r\n')]), ['abc']);
    assert.equal(failure('4\r\n', 3).reason, 'too_long');
    assert.equal(failure('16777217\r\n').reason, 'too_long');
    assert.equal(new FrameDecoder().maxLength, 16777216);
    assert.deepEqual(decodeAll(new FrameDecoder(), [Buffer.from('16777216\r\n')]), []);
    assert.deepEqual(decodeAll(new FrameDecoder({ maxLength: MAX_FRAME_LENGTH }), [Buffer.from('99999999\r\n')]), []);
  });

  it('refuses a maximum that is none', () => {
    for (const maxLength of [-1, 1.5, NaN, MAX_FRAME_LENGTH + 1]) {
      assert.throws(() => new FrameDecoder({ maxLength }), (error) => error instanceof WardenError && error.code === 'invalid_argument');
    }
  });

  it('keeps nothing of what a header only promises', () => {
    const decoder = new FrameDecoder();
    decoder.push(Buffer.from('16777216\r\nabc'));
    assert.equal(decoder.next(), undefined);
    assert.equal(decoder.bufferedLength, 3);
  });

  for (const [text, reason] of [
    ['-5\r\nhello\r\n', 'malformed_length'], ['+5\r\nhello\r\n', 'malformed_length'], ['0x10\r\n', 'malformed_length'], ['1_0\r\n', 'malformed_length'],
    [' 5\r\n', 'malformed_length'], ['5 \r\n', 'malformed_length'], ['5\n', 'malformed_length'], ['5\r\r\n', 'malformed_length'], ['5\rx', 'malformed_length'],
    ['\r\n', 'malformed_length'], ['\n', 'malformed_length'], ['\0', 'malformed_length'], ['5.0\r\n', 'malformed_length'], ['1e3\r\n', 'malformed_length'],
    ['five\r\n', 'malformed_length'], ['\u00b2\r\n', 'malformed_length'], ['GET / HTTP/1.1\r\n', 'malformed_length'],
    ['012\r\n', 'leading_zero'], ['00\r\n', 'leading_zero'], ['00000000\r\n', 'leading_zero'],
    ['123456789', 'too_many_digits'], ['100000000\r\n', 'too_many_digits'], ['99999999\r\n', 'too_long'],
    ['5\r\nhello', undefined], ['5\r\nhello\n', 'missing_trailer'], ['5\r\nhello\r\r', 'missing_trailer'], ['5\r\nhelloworld', 'missing_trailer'],
    ['0\r\n5\r\n', 'missing_trailer'], ['2\r\nhello\r\n', 'missing_trailer'],
  ] as const) {
    if (reason === undefined) {
      it(`waits for the rest of ${JSON.stringify(text)}, and calls it truncated at the end`, () => {
        const decoder = new FrameDecoder();
        assert.deepEqual(decodeAll(decoder, [Buffer.from(text)]), []);
        assert.throws(() => decoder.end(), (error) => error instanceof FrameError && error.reason === 'truncated');
      });
    } else {
      it(`refuses ${JSON.stringify(text)}: ${reason}`, () => {
        assert.equal(failure(text).reason, reason);
      });
    }
  }

  it('calls every end inside a frame truncated', () => {
    const frame = encodeFrame(Buffer.from('hello'));
    for (let at = 1; at < frame.length; at++) {
      const decoder = new FrameDecoder();
      assert.deepEqual(decodeAll(decoder, [frame.subarray(0, at)]), []);
      assert.throws(() => decoder.end(), /inside a frame/);
    }
  });

  it('says what it found', () => {
    assert.match(failure('-5\r\n').message, /frame length has "-" where a digit belongs/);
    assert.match(failure('5x').message, /frame length has "x" where a CR or a digit belongs/);
    assert.match(failure('5\n').message, /byte 0x0a/);
    assert.match(failure('99999999\r\n').message, /99999999 bytes is longer than the maximum of 16777216/);
  });

  it('takes a large frame in small pieces in linear work', () => {
    // Copies are counted, not time: each byte may be copied once into the buffer and, by its doubling, once more on average.
    const length = 1 << 20;
    const frame = encodeFrame(Buffer.alloc(length, 'q'));
    const decoder = new FrameDecoder();
    const { copy } = Buffer.prototype;
    let copied = 0;
    Buffer.prototype.copy = function (this: Buffer, target: Uint8Array, targetStart?: number, sourceStart?: number, sourceEnd?: number) {
      const count = copy.call(this, target, targetStart, sourceStart, sourceEnd);
      copied += count;
      return count;
    };
    try {
      let frames = 0;
      for (const piece of pieces(frame, 64)) {
        decoder.push(piece);
        if (decoder.next() !== undefined) frames++;
      }
      assert.equal(frames, 1);
    } finally {
      Buffer.prototype.copy = copy;
    }
    assert.ok(copied <= 2 * length, `${copied} bytes were moved for a frame of ${length}`);
  });
});

describe('encodeFrame', () => {
  it('writes every number of digits', () => {
    for (const length of [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10000, 99999, 100000]) {
      const frame = encodeFrame(Buffer.alloc(length, 'x'));
      assert.equal(frame.toString('latin1'), `${length}\r\n${'x'.repeat(length)}\r\n`);
    }
  });

  it('refuses what eight digits cannot announce', () => {
    const large = { length: MAX_FRAME_LENGTH + 1 } as Uint8Array;
    assert.throws(() => encodeFrame(large), (error) => error instanceof FrameError && error.reason === 'too_long');
  });
});
