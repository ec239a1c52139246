// The bytes of a Ruby client of 2012 (test/ruby): its gem's and ours are the same, both ways.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeRequest, encodeRequest, FrameDecoder, messageTypes, type RequestInit, type RequestType } from 'warden-protocol';

const folder = fileURLToPath(new URL('../../', import.meta.url));
/** Debian's ruby, for which Debian's beefcake is. */
const RUBY = '/usr/bin/ruby';

interface Row { readonly command: readonly unknown[] | null; readonly type: string; readonly value: Readonly<Record<string, unknown>>; readonly frame: string }
const text = readFileSync(join(folder, 'golden/ruby.json'), 'utf8');
const rows = JSON.parse(text) as Row[];

/** As the rows have it: by the names of the protocol, whole numbers as text, without what is not there. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, content]) => content !== undefined && !(Array.isArray(content) && content.length === 0));
  return Object.fromEntries(entries.map(([name, content]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), plain(content)]));
}

test('vectors.rb makes the committed bytes', () => {
  assert.equal(execFileSync(RUBY, [join(folder, 'ruby/vectors.rb'), 'make'], { encoding: 'utf8' }), text);
});

for (const [index, { command, type, value, frame }] of rows.entries()) {
  test(`${index + 1}: ${command === null ? type : JSON.stringify(command)} is read as it was meant, and written with the same bytes`, () => {
    const bytes = Buffer.from(frame, 'hex');
    const decoder = new FrameDecoder();
    decoder.push(bytes);
    const payload = decoder.next();
    assert.ok(payload !== undefined);
    decoder.end();
    const decoded = decodeRequest(payload);
    assert.equal(messageTypes[decoded.type].name.replaceAll('_', ''), type.toLowerCase());
    assert.deepEqual(plain(decoded.request), Object.fromEntries(Object.entries(value).filter(([, content]) => !(Array.isArray(content) && content.length === 0))));
    assert.equal(encodeRequest(decoded.type, decoded.request as RequestInit<RequestType> as never).toString('hex'), frame);
  });
}

test('beefcake agrees with every vector of the frozen messages, and passes over what was added since', () => {
  const { messages, vectors } = JSON.parse(readFileSync(join(folder, 'golden/vectors.json'), 'utf8')) as { messages: Record<string, unknown>; vectors: { message: string; case: string }[] };
  const expected = vectors.filter((vector) => vector.message in messages && ['full', 'minimal', 'added', 'traced'].includes(vector.case)).length;
  assert.ok(expected > 80);
  assert.equal(execFileSync(RUBY, [join(folder, 'ruby/vectors.rb'), 'agree'], { encoding: 'utf8' }), `${expected} vectors agree\n`);
});
