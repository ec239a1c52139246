import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as wire from './wire.js';

const header = readFileSync(new URL('../../../../../native/lib/wire.h', import.meta.url), 'utf8');

/** Every `NAME = number` of the header's enums whose name starts with `prefix`. */
function headerNumbers(prefix: string): Record<string, number> {
  const numbers: Record<string, number> = {};
  const code = header.replace(/\/\*.*?\*\//gs, '');
  for (const [, name, value] of code.matchAll(/\b([A-Z][A-Z0-9_]*) = (\d+)/g)) {
    if (name?.startsWith(prefix)) numbers[name.slice(prefix.length)] = Number(value);
  }
  return numbers;
}

/** exitKind → EXIT_KIND. */
function upperSnake(numbers: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(), value]));
}

test('types, tags, flags and kinds are those of wire.h', () => {
  const pairs: [string, Record<string, number>][] = [
    ['WIRE_', wire.FrameType],
    ['TAG_', wire.Tag],
    ['QUOTA_', wire.QuotaKind],
    ['MOUNT_FLAG_', wire.MountFlag],
    ['HOOK_', wire.HookPointNumber],
    ['ELEMENT_', wire.ElementOperation],
    ['DISK_', wire.DiskKind],
    ['STREAM_', wire.StreamNumber],
    ['JOB_', wire.JobState],
    ['FILE_', wire.FileOperation],
    ['ENTRY_', wire.EntryKind],
    ['TRANSFER_FLAG_', wire.TransferFlag],
    ['EXIT_', wire.ExitKind],
    ['EVENT_', wire.EventKind],
  ];
  for (const [prefix, ours] of pairs) {
    const theirs = headerNumbers(prefix);
    assert.ok(Object.keys(theirs).length > 0, prefix);
    assert.deepEqual(upperSnake(ours), theirs);
  }
});

test('version and sizes are those of wire.h', () => {
  const define = (name: string): string | undefined => new RegExp(`#define ${name} (\\(.*?\\)|\\d+)`).exec(header)?.[1];
  assert.equal(define('WIRE_VERSION'), String(wire.wireVersion));
  assert.equal(define('WIRE_HEADER_SIZE'), String(wire.headerSize));
  assert.equal(define('WIRE_ATTRIBUTE_HEADER_SIZE'), String(wire.attributeHeaderSize));
  assert.equal(define('WIRE_MAX_BODY'), `(${wire.maximumBody >> 20}u << 20)`);
  assert.equal(define('WIRE_OUTPUT_CHUNK'), `(${wire.outputChunk >> 10}u << 10)`);
});
