import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { MockServer } from 'warden-client/testing';
import { Type } from 'warden-protocol';
import { Program } from '../test-program.js';

/** The end of a tar archive: of an empty one all of it. */
const EMPTY_ARCHIVE = '\0'.repeat(1024);

let server: MockServer;

beforeEach(async () => {
  server = await MockServer.listen();
  await new Program(server.path, ['create', '--name', 'h']).end();
});
afterEach(() => server[Symbol.asyncDispose]());

describe('cp -', () => {
  const archives = (): number => server.requests.filter(({ type }) => type === Type.TarIn).length;

  it('takes an archive from standard input', async () => {
    assert.deepEqual(await new Program(server.path, ['cp', '-', 'h:.'], { input: EMPTY_ARCHIVE }).end(), { status: 0, stdout: '', stderr: '' });
    assert.equal(archives(), 1);
  });

  it('tells what was left out, each on one line', async () => {
    await server[Symbol.asyncDispose]();
    server = await MockServer.listen({ handlers: { [Type.TransferData]: ({ last }) => last === true ? { notes: ['a\x1b[2J\nb: left out'] } : {} } });
    await new Program(server.path, ['create', '--name', 'h']).end();
    assert.equal((await new Program(server.path, ['cp', '-', 'h:.'], { input: EMPTY_ARCHIVE }).end()).stderr, 'a\\x1b[2J\\nb: left out\n');
  });

  it('does not take the commands of a session for one', async () => {
    const { status, stdout, stderr } = await new Program(server.path, [], { input: 'cp - h:.\nping\n' }).end();
    assert.deepEqual([status, stdout, archives()], [0, 'pong\n', 0]);
    assert.match(stderr, /^cp - has nothing to read here: /);
  });
});

describe('rm', () => {
  const removed = (): number => server.requests.filter(({ type }) => type === Type.RemoveFile).length;

  it('of a container whose handle has a colon removes no file of another one, and says what would', async () => {
    await new Program(server.path, ['create', '--name', 'h:work']).end();
    const { status, stderr } = await new Program(server.path, ['rm', '-rf', 'h:work']).end();
    assert.deepEqual([status, removed()], [1, 0]);
    assert.match(stderr, /"h:work" is a container: destroy --handle "h:work" removes it, and rm "h:\.\/work" the file of "h"/);
    assert.equal((await new Program(server.path, ['rm', '-rf', 'h:./work']).end()).status, 0);
    assert.equal(removed(), 1);
  });
});
