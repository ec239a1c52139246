/* copy_in and copy_out, by paths on the machine that the server runs on. */
import assert from 'node:assert/strict';
import { chmodSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refused, says, testWith, useAnyServer } from '../../harness/any-server.js';
import type { Client } from '../../harness/client.js';
import { output } from '../../harness/expect.js';

const server = useAnyServer();

function directory(): string {
  const path = join(server.directory, server.name('tree'));
  mkdirSync(path, { mode: 0o755 });
  return path;
}

const copyIn = async (client: Client, handle: string, src_path: string, dst_path: string): Promise<void> => void await client.request('copy_in', { handle, src_path, dst_path });
const copyOut = async (client: Client, handle: string, src_path: string, dst_path: string, owner?: string): Promise<void> => void await client.request('copy_out', { handle, src_path, dst_path, ...(owner === undefined ? {} : { owner }) });

testWith(['files'], 'copy_in: a tree with its modes and links, a hard link as a file of its own, relative to HOME', async () => {
  const { client, handle } = await server.container();
  const path = directory();
  mkdirSync(join(path, 'a/b'), { recursive: true });
  writeFileSync(join(path, 'a/one'), 'one');
  linkSync(join(path, 'a/one'), join(path, 'a/same'));
  writeFileSync(join(path, 'a/b/run'), '#!/bin/sh\n');
  chmodSync(join(path, 'a/b/run'), 0o750);
  symlinkSync('../a/one', join(path, 'a/link'));
  writeFileSync(join(path, '-rf $(id);`id`'), 'option');
  await copyIn(client, handle, `${path}/`, 'tree');
  assert.equal(output(await client.run(handle, 'cd tree && cat a/one a/same a/link && stat -c "%a %h" a/one a/same a/b/run && readlink a/link && cat ./-rf*')), 'oneoneone644 1\n644 1\n750 1\n../a/one\noption');
});

testWith(['files', 'accounts'], 'copy_in: what comes in is vcap\'s', async () => {
  const { client, handle } = await server.container();
  const path = directory();
  writeFileSync(join(path, 'file'), 'x');
  await copyIn(client, handle, path, '/tmp/');
  assert.equal(output(await client.run(handle, `stat -c "%U %G" /tmp/${path.slice(path.lastIndexOf('/') + 1)}/file`)), 'vcap vcap\n');
});

testWith(['files'], 'a trailing slash on the source copies what is in it; what is there already stays, and is replaced by content', async () => {
  const { client, handle } = await server.container();
  const path = directory();
  const name = path.slice(path.lastIndexOf('/') + 1);
  writeFileSync(join(path, 'file'), 'new');
  await client.run(handle, 'mkdir into; echo -n old > into/file; echo kept > into/other');
  await copyIn(client, handle, `${path}/`, 'into');
  assert.equal(output(await client.run(handle, 'cat into/file into/other')), 'newkept\n');
  await copyIn(client, handle, path, 'into/');
  assert.equal(output(await client.run(handle, `cat into/${name}/file`)), 'new');
});

testWith(['files'], 'copy_out: a tree, also of a stopped container', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'mkdir -p t/d; echo one > t/d/one; chmod 640 t/d/one; ln -s d/one t/link');
  await client.stop(handle, { kill: true });
  const path = join(directory(), 'out');
  await copyOut(client, handle, 't/', path);
  assert.deepEqual(readdirSync(path).sort(), ['d', 'link']);
  assert.equal(readFileSync(join(path, 'd/one'), 'utf8'), 'one\n');
  assert.equal(lstatSync(join(path, 'd/one')).mode & 0o777, 0o640);
  assert.equal(readlinkSync(join(path, 'link')), 'd/one');
});

testWith(['files', 'accounts'], 'copy_out: what comes out is root\'s, or its owner\'s', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'echo x > file');
  const path = directory();
  await copyOut(client, handle, 'file', join(path, 'of-root'));
  await copyOut(client, handle, 'file', join(path, 'of-nobody'), 'nobody:nogroup');
  assert.deepEqual([lstatSync(join(path, 'of-root')).uid, lstatSync(join(path, 'of-nobody')).uid], [0, 65534]);
});

testWith(['files'], 'what is not there, and a container that is not, are errors', async () => {
  const { client, handle } = await server.container();
  await says(copyIn(client, handle, join(server.directory, 'nothing'), 'x'), /./);
  await says(copyOut(client, handle, 'nothing', join(server.directory, 'x')), /./);
  await refused(copyIn(client, server.name('nobody'), server.directory, 'x'), 'not_found', /^unknown handle$/);
  await refused(copyOut(client, server.name('nobody'), 'x', server.directory), 'not_found', /^unknown handle$/);
});
