/* `warden cp`, ls, cat, rm, mkdir and mv: what people type. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { useServer } from '../harness/fixture.js';
import { output } from '../harness/expect.js';
import { repository } from '../harness/paths.js';

const server = useServer();

test('files and directories go both ways, as they are', async () => {
  const { client, handle } = await server.container();
  const directory = mkdtempSync(join(tmpdir(), 'warden-file-commands-'));
  const warden = (words: readonly string[], input?: Buffer): { status: number | null; stdout: Buffer; stderr: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(repository, 'bin/warden'), '--socket', server.paths.socket, '--', ...words], { input: input ?? Buffer.alloc(0), cwd: directory, maxBuffer: 1 << 26 });
    return { status, stdout, stderr: stderr.toString() };
  };
  const ok = (words: readonly string[], input?: Buffer): Buffer => {
    const { status, stdout, stderr } = warden(words, input);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    return stdout;
  };
  try {
    const from = join(directory, 'from');
    const deep = join('d'.repeat(90), 'e'.repeat(90));
    mkdirSync(join(from, deep), { recursive: true });
    writeFileSync(join(from, deep, 'file'), Buffer.alloc(700_001, 'y'));
    writeFileSync(join(from, 'program'), 'x');
    chmodSync(join(from, 'program'), 0o750);
    symlinkSync('/nowhere', join(from, 'link'));
    ok(['cp', 'from', `${handle}:tree`]);
    ok(['cp', 'from', `${handle}:tree`]);
    ok(['cp', 'from/', `${handle}:tree`]);
    assert.equal(output(await client.run(handle, 'cd tree; ls; stat -c %a program; readlink link; cd from; ls')), ['d'.repeat(90), 'from', 'link', 'program', '750', '/nowhere', 'd'.repeat(90), 'link', 'program', ''].join('\n'));
    ok(['cp', `${handle}:tree/from`, 'to']);
    execFileSync('diff', ['-r', '--no-dereference', from, join(directory, 'to')]);
    assert.equal(statSync(join(directory, 'to/program')).mode & 0o7777, 0o750);
    ok(['cp', `${handle}:tree/program`, 'to']);
    ok(['cp', `${handle}:tree/program`, 'one']);
    assert.equal(readFileSync(join(directory, 'one'), 'utf8'), 'x');
    ok(['cp', 'from/program', `${handle}:renamed`]);
    assert.equal(ok(['cat', `${handle}:renamed`]).toString(), 'x');
    const archive = ok(['cp', `${handle}:tree/from`, '-']);
    ok(['mkdir', '-p', `${handle}:a/b`]);
    ok(['cp', '-', `${handle}:a/b`], archive);
    assert.equal(ok(['ls', `${handle}:a/b`]).toString(), `${'d'.repeat(90)}\nlink\nprogram\n`);
    assert.match(ok(['ls', '-l', `${handle}:a/b`]).toString(), /\nlrwxrwxrwx +1 .* link -> \/nowhere\n-rwxr-x--- +1 .* 1 +\S+ +program\n/);
    ok(['mv', `${handle}:a/b/program`, 'moved']);
    ok(['rm', `${handle}:moved`]);
    ok(['rm', '-rf', `${handle}:a`]);
    ok(['rm', '-f', `${handle}:a`]);
    assert.equal(ok(['ls', `${handle}:.`]).toString(), 'renamed\ntree\n');
    assert.equal(ok(['ls', '-u', 'root', `${handle}:/root`]).toString(), 'secret\n');
    assert.match(warden(['cp', 'a', 'b']).stderr, /one of the two is HANDLE:PATH/);
    assert.match(warden(['cat', `${handle}:none`]).stderr, /no such file or directory/);
    assert.equal(warden(['rm', '-x', `${handle}:none`]).status, 1);
    assert.match(ok(['help', 'cp']).toString(), /usage: cp SOURCE DESTINATION/);
    assert.equal(existsSync(join(directory, 'none')), false);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
