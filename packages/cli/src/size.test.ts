import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseDecimal, parseSize, parseWhole } from './size.js';

it('sizes are numbers with units that are powers of 1024', () => {
  for (const [text, bytes] of [['0', 0n], ['123', 123n], ['64K', 65_536n], ['64kB', 65_536n], ['64KiB', 65_536n], ['256m', 1n << 28n], ['1.5G', 3n << 29n], ['0.25k', 256n], ['2T', 1n << 41n], ['9223372036854775807', 2n ** 63n - 1n]] as const) {
    assert.equal(parseSize('--memory', text), bytes, text);
  }
  for (const text of ['', 'x', '-1', '1X', '1 G', '1e9', 'K', '.5G', '9223372036854775808', '9000000T', '1.5.5']) assert.throws(() => parseSize('--memory', text), { code: 'invalid_argument', message: /^--memory is a size such as/ }, text);
});

it('numbers have bounds', () => {
  assert.deepEqual([parseDecimal('x', '0.5', 8), parseDecimal('x', '8', 8), parseWhole('x', '65535', 1, 65_535)], [0.5, 8, 65_535]);
  for (const text of ['', '-1', '8.1', '1e3', 'NaN', '.5']) assert.throws(() => parseDecimal('x', text, 8), { message: /^x is a number from 0 to 8/ }, text);
  for (const text of ['', '0', '-1', '65536', '1.5', '0x10']) assert.throws(() => parseWhole('x', text, 1, 65_535), { message: /^x is a whole number from 1 to 65535/ }, text);
});
