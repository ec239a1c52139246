import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { packArchive } from './cpio.mjs';

test('an archive is aligned to four bytes, names and sizes are hexadecimal, and a trailer ends it', () => {
  const archive = packArchive([{ name: 'dir' }, { name: 'dir/odd', content: Buffer.from('12345') }]);
  assert.equal(archive.length % 4, 0);
  const text = archive.toString('latin1');
  assert.equal(text.match(/070701/g)?.length, 3);
  assert.ok(text.includes('dir/odd\0'));
  assert.ok(text.trimEnd().includes('TRAILER!!!'));
});

test('an independent reader takes it apart again', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cpio-'));
  try {
    const content = Buffer.from(Array.from({ length: 10_001 }, (_, index) => index % 251));
    const archive = packArchive([{ name: 'modules' }, { name: 'modules/one.ko', content }, { name: 'empty', content: Buffer.alloc(0) }]);
    // Python has no cpio module: the fields are read here by their places in the format's description
    const script = `
import os, sys
data = sys.stdin.buffer.read(); at = 0
while True:
    header = data[at:at+110]; assert header[:6] == b'070701', at
    fields = [int(header[6+8*i:14+8*i], 16) for i in range(13)]
    name = data[at+110:at+110+fields[11]-1].decode(); start = (at+110+fields[11]+3)//4*4
    if name == 'TRAILER!!!': break
    path = os.path.join(sys.argv[1], name)
    if fields[1] & 0o170000 == 0o040000: os.mkdir(path)
    else: open(path, 'wb').write(data[start:start+fields[6]])
    at = (start+fields[6]+3)//4*4
`;
    execFileSync('python3', ['-c', script, directory], { input: archive });
    assert.ok(statSync(join(directory, 'modules')).isDirectory());
    assert.deepEqual(readFileSync(join(directory, 'modules/one.ko')), content);
    assert.equal(statSync(join(directory, 'empty')).size, 0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
