import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runRootfsCommand } from './command.js';

/** A tool that makes what mmdebstrap makes, but little of it; MODE says how it goes. */
const TOOL = `#!/bin/sh
for argument; do case "$argument" in *.partial) target="$argument";; *.sources) sources="$argument";; esac; done
echo "I: running apt-get update..." >&2
mkdir -p "$target/etc/apt/sources.list.d" "$target/var/cache/apt/archives"
echo "$*" > "$target/arguments"
cp "$sources" "$target/etc/apt/sources.list.d/x.sources"
echo of-the-host > "$target/etc/hostname"
case "$(cat "$0.mode")" in
  locale*) mkdir -p "$target/usr/lib/locale" && cp -r /usr/lib/locale/C.utf8 "$target/usr/lib/locale/";;
esac
case "$(cat "$0.mode")" in
  *damaged) rm "$target/usr/lib/locale/C.utf8/LC_CTYPE";;
  *own) echo own > "$target/usr/lib/locale/locale-archive";;
  fails) echo "E: cannot reach http://me:secret@mirror.test" >&2; exit 25;;
  hangs) : > "$0.hanging"; exec sleep 1000;;
esac
echo "I: installing remaining packages" >&2
echo "I: success in 1 seconds" >&2
`;

function world(t: TestContext, mode = 'works') {
  const base = mkdtempSync(join(tmpdir(), 'warden-build-'));
  t.after(() => rmSync(base, { recursive: true }));
  mkdirSync(join(base, 'apt'));
  writeFileSync(join(base, 'apt/sources.list'), 'deb http://me:secret@mirror.test/debian bookworm main\n');
  const tool = join(base, 'mmdebstrap');
  writeFileSync(tool, TOOL);
  writeFileSync(`${tool}.mode`, mode);
  chmodSync(tool, 0o755);
  const output = { stdout: '', stderr: '' };
  const machine = { uid: 0, path: `relative:${base}`, aptDirectory: join(base, 'apt'), suite: 'bookworm' };
  const directory = join(base, 'rootfs');
  const run = (args: readonly string[], change: Partial<typeof machine> = {}) =>
    runRootfsCommand(args, {
      stdout: { write: (text) => (output.stdout += text) },
      stderr: { write: (text) => (output.stderr += text) },
    }, { ...machine, ...change });
  return { base, tool, directory, output, run };
}

test('a build shows how far it is and leaves a whole root file system', async (t) => {
  const { base, directory, output, run } = world(t);
  assert.equal(await run(['build', directory, '--include', 'git,make', '--include', 'bash']), 0);
  assert.match(output.stderr, /^ {2}2 % {2}running apt-get update\.\.\.\n 60 % {2}installing remaining packages\n100 % {2}success in 1 seconds\n$/);
  assert.match(output.stdout, /rootfs is ready \(mmdebstrap, [\d.]+ s\)\. In the configuration: container_rootfs_path: .*rootfs\n$/);
  const args = readFileSync(join(directory, 'arguments'), 'utf8');
  assert.match(args, /--include=bash,ca-certificates,coreutils,curl,iproute2,iputils-ping,netcat-openbsd,perl,procps,rsync,git,make bookworm /);
  assert.equal(statSync(directory).mode & 0o777, 0o755);
  assert.deepEqual(readdirSync(base).sort(), ['apt', 'mmdebstrap', 'mmdebstrap.mode', 'rootfs']);
});

test('-o json tells the same to programs', async (t) => {
  const { directory, output, run } = world(t);
  assert.equal(await run(['build', directory, '-o', 'json']), 0);
  const { seconds, ...rest } = JSON.parse(output.stdout) as Record<string, unknown>;
  assert.deepEqual([rest, typeof seconds], [{ directory, tool: 'mmdebstrap' }, 'number']);
});

test('nothing of this machine stays in it: no host name, no password of the mirror', async (t) => {
  const { directory, run } = world(t);
  await run(['build', directory]);
  assert.equal(readFileSync(join(directory, 'etc/hostname'), 'utf8'), '');
  assert.match(readFileSync(join(directory, 'etc/apt/sources.list.d/x.sources'), 'utf8'), /URIs: http:\/\/mirror\.test\/debian/);
});

test('the locale of jobs is in one file, unless the packages have brought such a file, or the locale is none', async (t) => {
  for (const mode of ['locale', 'locale own', 'locale damaged', 'works']) {
    const { directory, output, run } = world(t, mode);
    assert.equal(await run(['build', directory]), 0, output.stderr);
    const archive = join(directory, 'usr/lib/locale/locale-archive');
    if (mode === 'locale') {
      assert.equal(execFileSync('localedef', ['--prefix', directory, '--list-archive'], { encoding: 'utf8' }), 'C.utf8\n');
      assert.equal(statSync(archive).mode & 0o7777, 0o644);
    } else if (mode === 'locale own') assert.equal(readFileSync(archive, 'utf8'), 'own\n');
    else assert.equal(existsSync(archive), false, mode);
  }
});

test('a build that fails says why and leaves nothing', async (t) => {
  const { base, directory, output, run } = world(t, 'fails');
  assert.equal(await run(['build', directory]), 1);
  assert.match(output.stderr, /mmdebstrap ended with status 25\. The end of its output:\n[\s\S]*E: cannot reach http:\/\/mirror\.test/);
  assert.deepEqual(readdirSync(base).sort(), ['apt', 'mmdebstrap', 'mmdebstrap.mode']);
});

test('Ctrl-C ends the tool and leaves nothing', async (t) => {
  const { base, tool, directory, output, run } = world(t, 'hangs');
  const watcher = watch(base);
  const building = run(['build', directory]);
  while (!existsSync(`${tool}.hanging`)) await once(watcher, 'change');
  watcher.close();
  process.emit('SIGINT');
  assert.equal(await building, 130);
  assert.match(output.stderr, /interrupted; nothing is left behind/);
  assert.deepEqual(readdirSync(base).sort(), ['apt', 'mmdebstrap', 'mmdebstrap.hanging', 'mmdebstrap.mode']);
});

test('a directory with something in it is refused and stays as it is; an empty one is used', async (t) => {
  const { directory, output, run } = world(t);
  mkdirSync(directory);
  assert.equal(await run(['build', directory]), 0);
  assert.equal(await run(['build', directory]), 1);
  assert.match(output.stderr, /is not empty/);
  assert.equal(existsSync(join(directory, 'arguments')), true);
});

test('what is missing is named', async (t) => {
  const { directory, output, run } = world(t);
  assert.equal(await run(['build', directory], { uid: 1000 }), 1);
  assert.equal(await run(['build', directory], { path: '/nonexistent' }), 1);
  assert.equal(await run(['build', join(directory, 'deeper/still')]), 1);
  assert.equal(await run(['build', directory, '--suite', 'trixie'], { suite: '' }), 1);
  assert.match(output.stderr, /needs root rights: sudo[^\n]*\n.*apt-get install mmdebstrap\n.*deeper does not exist\n.*no package source of trixie is configured/);
  assert.equal(existsSync(directory), false);
});

test('debootstrap is used when it is the only one', async (t) => {
  const { base, directory, output, run } = world(t);
  writeFileSync(join(base, 'debootstrap'), '#!/bin/sh\nmkdir -p "$5"\necho "$*" > "$5/arguments"\n');
  chmodSync(join(base, 'debootstrap'), 0o755);
  rmSync(join(base, 'mmdebstrap'));
  assert.equal(await run(['build', directory, '--mirror', 'http://other.test/debian']), 0, output.stderr);
  assert.match(readFileSync(join(directory, 'arguments'), 'utf8'), /^--variant=minbase --components=main --include=\S+ bookworm \S+\.partial http:\/\/other\.test\/debian\n$/);
});

for (const [args, message] of [
  [['build'], /which directory\?\nusage:/],
  [['build', 'a', 'b'], /one directory, not 2/],
  [['build', '/'], /this machine's own/],
  [['build', 'a', '--include', 'git;rm'], /--include: "git;rm" is not the name of a package/],
  [['build', 'a', '--include=--hook=x'], /is not the name of a package/],
  [['build', 'a', '--suite=--hook'], /is not the name of a release/],
  [['build', 'a', '--mirror', '|sh'], /is not an address/],
  [['build', 'a', '--colour'], /Unknown option '--colour'/],
  [['destroy'], /unknown command: rootfs destroy/],
] as const) {
  test(`rootfs ${args.join(' ')} is refused`, async (t) => {
    const { output, run } = world(t);
    assert.equal(await run(args), 2);
    assert.match(output.stderr, message);
  });
}

test('--help is not an error', async (t) => {
  const { output, run } = world(t);
  assert.equal(await run(['build', '--help']), 0);
  assert.match(output.stdout, /^usage: warden rootfs build/);
});
