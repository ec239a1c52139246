import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WardenError } from 'warden-protocol';
import { parseOwner } from './accounts.js';

const files = {
  passwd: () => 'root:x:0:0::/root:/bin/sh\nme:x:1000:100::/:\nbroken:x:one:1\nbeyond:x:4294967294:1\nodd.na-me$:x:7:x\n#:x:1:1\n',
  group: () => 'root:x:0:\nus:x:100:me\nbroken\n',
};

test('an owner by names and numbers, with a group of its own or root\'s', () => {
  for (const [text, uid, gid] of [
    ['me', 1000, 0], ['me:us', 1000, 100], ['me:', 1000, 100], [':us', 0, 100], ['12:34', 12, 34], ['12', 12, 0], [':34', 0, 34], ['me:4294967293', 1000, 4_294_967_293], ['odd.na-me$', 7, 0],
  ] as const) assert.deepEqual(parseOwner(text, files), { uid, gid }, text);
});

test('what is malformed, beyond the kernel\'s ids or unknown is refused, and no line that is broken is somebody', () => {
  for (const [text, code] of [
    ['', 'invalid_argument'], [':', 'invalid_argument'], ['a:b:c', 'invalid_argument'], ['-1', 'invalid_argument'], ['4294967294', 'invalid_argument'], ['99999999999', 'invalid_argument'], ['me us', 'invalid_argument'],
    ['me\n', 'invalid_argument'], ['#', 'invalid_argument'], ['12:', 'invalid_argument'], ['odd.na-me$:', 'invalid_argument'],
    ['you', 'not_found'], ['me:them', 'not_found'], ['broken', 'not_found'], ['beyond', 'not_found'], [':broken', 'not_found'],
  ] as const) assert.throws(() => parseOwner(text, files), (error: unknown) => error instanceof WardenError && error.code === code && error.message.startsWith('owner'), JSON.stringify(text));
});
