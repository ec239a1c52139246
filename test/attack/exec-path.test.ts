/* A: attacks on the way from the daemon to a job's first instruction. Numbers are those of the security model. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, copyFileSync, mkdirSync, openSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { output, streamUntil } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { nativePrograms } from '../harness/paths.js';
import { compileProbe } from '../harness/programs.js';
import { openDescriptors, readProc } from '../harness/processes.js';
import { buildRootfs } from '../harness/rootfs.js';
import { mustRun, runProgram } from '../harness/run-program.js';

const server = useServer({ rootfs: { probes: ['overwrite-exe', 'raise-ids'] } });

function helpersHash(): string {
  const hash = createHash('sha256');
  for (const name of ['launcher', 'monitor', 'wshd', 'wsh', 'files', 'seccomp.bpf']) hash.update(readFileSync(join(nativePrograms, name)));
  return hash.digest('hex');
}

async function image(name: string, change: (directory: string) => void): Promise<string> {
  const directory = `${server.slot.directory}/${name}`;
  rmSync(directory, { recursive: true, force: true });
  await buildRootfs(directory, { probes: ['overwrite-exe', 'raise-ids'], change });
  return directory;
}

test('A1: no executable of ours can be opened for writing while jobs are started', async () => {
  const before = helpersHash();
  const { client, handle } = await server.container();
  const other = await server.connect();
  const jobId = await other.spawn(handle, 'echo up; exec /probes/overwrite-exe', { privileged: true });
  const watcher = await server.connect();
  await streamUntil(watcher.stream(handle, jobId), 'up');
  watcher.close();
  for (let round = 0; round < 200; round++) await client.run(handle, 'exec true', { privileged: round % 2 === 0 });
  await client.run(handle, 'touch /tmp/stop', { privileged: true });
  const { stdout } = await client.link(handle, jobId);
  assert.match(stdout, /^seen \d+$/m);
  const hits = stdout.split('\n').filter((line) => line.startsWith('HIT'));
  assert.deepEqual(hits.filter((line) => !/^HIT \/probes\//.test(line)), []);
  assert.equal(helpersHash(), before);
});

test('A1: the same probe gets at a program of the host that stands unprotected', async () => {
  const directory = `${server.slot.directory}/unprotected`;
  mkdirSync(directory);
  const prey = join(directory, 'prey');
  copyFileSync('/usr/bin/sleep', prey);
  const probe = await compileProbe('overwrite-exe', directory);
  // In a PID namespace of its own the probe sees nothing of this machine but its prey.
  const script = `mount -t proc proc /proc; "${prey}" 0.2 & exec timeout 10 "${probe}" 1000000000 "${prey}"`;
  const { stdout } = await runProgram('unshare', ['--pid', '--mount', '--fork', '--propagation', 'private', 'bash', '-c', script]);
  assert.match(stdout, new RegExp(`HIT ${prey}`));
});

test('A1: an image whose shell is a script for /proc/self/exe runs nothing of ours', async () => {
  const before = helpersHash();
  const rootfs = await image('self-exe', (directory) => {
    rmSync(join(directory, 'bin'));
    mkdirSync(join(directory, 'bin'));
    writeFileSync(join(directory, 'bin/bash'), '#!/proc/self/exe\n');
    chmodSync(join(directory, 'bin/bash'), 0o755);
  });
  const { client, handle } = await server.container({ rootfs });
  for (const privileged of [false, true]) {
    const result = await client.run(handle, 'echo hello', { privileged }).then(({ status }) => status, () => 'refused');
    assert.notEqual(result, 0);
  }
  assert.equal((await client.info(handle)).state, 'active');
  assert.equal(helpersHash(), before);
});

test('A1: PID 1 runs from memory that nobody can write, not from a file', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'true');
  const [pid] = await server.pidsOf(handle);
  const written = await runProgram('bash', ['-c', `exec 3>>/proc/${pid}/exe`]);
  assert.notEqual(written.status, 0, 'even the host cannot write it');
});

function isHostsRoot(pid: number, descriptor: number): boolean {
  const [found, root] = [statSync(`/proc/${pid}/fd/${descriptor}`), statSync('/')];
  return found.dev === root.dev && found.ino === root.ino;
}

test('A2: descriptors that the daemon was started with reach no job, no PID 1 and no monitor', async () => {
  const descriptors = Array.from({ length: 40 }, (_, index) => openSync(index % 2 === 0 ? '/' : '/etc/passwd', 'r'));
  try {
    await server.restart({ extraDescriptors: descriptors });
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
  const leaked = [...openDescriptors(server.daemon.pid).values()].filter((target) => target === '/' || target === '/etc/passwd');
  assert.ok(leaked.length >= 30, 'the daemon itself was given them: the test looks at something');
  const { client, handle } = await server.container();
  for (const privileged of [false, true]) {
    // 3 is ls's own, with which it reads the directory.
    assert.equal(output(await client.run(handle, 'exec ls /proc/self/fd', { privileged })), '0\n1\n2\n3\n');
    const directories = output(await client.run(handle, 'pwd -P; readlink /proc/self/cwd', { privileged })).trim().split('\n');
    assert.deepEqual(directories, privileged ? ['/root', '/root'] : ['/home/vcap', '/home/vcap']);
  }
  const [pid = 0] = await server.pidsOf(handle);
  const monitor = Number(/^PPid:\s*(\d+)/m.exec(readProc(pid, 'status'))?.[1]);
  for (const process of [pid, monitor, server.daemon.launcherPid]) {
    const open = openDescriptors(process);
    // The root of any file system is called `/`: the launcher has that of a proc file system.
    const given = [...open].filter(([descriptor, target]) => target === '/etc/passwd' || (target === '/' && isHostsRoot(process, descriptor)));
    assert.deepEqual(given, [], `${process}: ${[...open.values()].join(' ')}`);
  }
  assert.ok(openDescriptors(pid).size <= 12, [...openDescriptors(pid)].join(' '));
  await server.restart({ extraDescriptors: [] });
});

test('A2: a home directory that is a magic link leads nowhere', async () => {
  for (const home of ['/proc/self/fd/3', '/proc/1/root', '/proc/self/cwd', '/proc/1/fd/3']) {
    const rootfs = await image('magic-home', (directory) => {
      writeFileSync(join(directory, 'etc/passwd'), `root:x:0:0:root:${home}:/bin/bash\n`);
      rmSync(join(directory, 'root'), { recursive: true });
      symlinkSync(home, join(directory, 'root'));
    });
    const { client, handle } = await server.container({ rootfs });
    const outcome = await client.run(handle, 'pwd -P; ls -d /usr /probes', { privileged: true }).then((result) => result, (error: Error) => error);
    if (!(outcome instanceof Error)) assert.doesNotMatch(outcome.stdout, /\(unreachable\)|\/work|\/var\/tmp/);
    await client.destroy(handle);
  }
});

test('A3, A5: /dev/null, /proc and /sys that an image made links are not followed', async () => {
  const target = `${server.slot.directory}/target`;
  writeFileSync(target, 'untouched');
  const rootfs = await image('links', (directory) => {
    for (const place of ['proc', 'sys', 'dev']) {
      rmSync(join(directory, place), { recursive: true });
      mkdirSync(join(directory, `real-${place}`), { recursive: true });
    }
    symlinkSync(target, join(directory, 'real-dev/null'));
    symlinkSync('/tmp', join(directory, 'proc'));
    symlinkSync('/tmp', join(directory, 'sys'));
    symlinkSync('real-dev', join(directory, 'dev'));
  });
  const client = await server.connect();
  const outcome = await client.create({ rootfs }).then((handle) => ({ handle }), (error: Error) => ({ error }));
  if ('handle' in outcome) {
    const { stdout } = await client.run(outcome.handle, 'stat -f -c %T /proc; stat -c %t:%T /dev/null; echo x > /proc/keys', { privileged: true });
    assert.match(stdout, /^proc\n1:3\n/);
  }
  assert.equal(readFileSync(target, 'utf8'), 'untouched');
});

test('A3: masked files are the null device of the host, and cannot be written', async () => {
  const { client, handle } = await server.container();
  const script = 'for f in /proc/keys /proc/timer_list /proc/kcore; do [ -e $f ] && stat -c "%t:%T" $f; done; (echo x > /proc/keys) 2>/dev/null && head -c 1 /proc/keys; true';
  const lines = output(await client.run(handle, script, { privileged: true })).trim().split('\n').filter((line) => line !== '');
  assert.ok(lines.length > 0);
  assert.deepEqual(lines.filter((line) => line !== '1:3'), []);
});

const passwdFiles: Readonly<Record<string, string>> = {
  'vcap is uid 0': 'root:x:0:0::/root:/bin/bash\nvcap:x:0:0::/root:/bin/bash\n',
  'vcap beyond 32 bits': 'root:x:0:0::/root:/bin/bash\nvcap:x:4294967296:4294967296::/:/bin/bash\n',
  'vcap is -1': 'root:x:0:0::/root:/bin/bash\nvcap:x:-1:-1::/:/bin/bash\n',
  'vcap twice': 'vcap:x:0:0::/:/bin/bash\nroot:x:0:0::/root:/bin/bash\nvcap:x:1:1::/:/bin/bash\n',
  'a line of a megabyte': `root:x:0:0:${'x'.repeat(1_000_000)}:/root:/bin/bash\n`,
  'no final newline': 'root:x:0:0::/root:/bin/bash',
  'empty': '',
  'NULs': 'root:x:0:0::/root:/bin/bash\0\nvcap\0:x:0:0::/:/bin/bash\n',
  'nothing but colons': ':::::::::\n::::\n',
};
test('A12: whatever the image\'s passwd says, vcap is the uid of the pool', async () => {
  for (const [what, content] of Object.entries(passwdFiles)) {
    const rootfs = await image('passwd', (directory) => {
      writeFileSync(join(directory, 'etc/passwd'), content);
      writeFileSync(join(directory, 'etc/group'), content.replace(/:[^:\n]*:[^:\n]*$/gm, ':'));
    });
    const { client, handle } = await server.container({ rootfs });
    const { stdout, stderr } = await client.run(handle, 'id -u; id -g; grep -ac "^vcap:" /etc/passwd');
    const [uid, gid, lines] = stdout.split('\n').map(Number);
    assert.ok((uid ?? 0) >= server.slot.startUid && (uid ?? 0) < server.slot.startUid + 256, `${what}: ${stdout}${stderr}`);
    assert.deepEqual([gid, lines], [uid, 1], what);
    await client.destroy(handle);
  }
});

test('A12: whatever root of a container makes of its passwd, no user of a request is root, and PID 1 is not held up', async () => {
  const { client, handle } = await server.container();
  // What stands at /etc/passwd, as a command of the container's root; by sh, because bash reads the file itself.
  const plant = async (command: string): Promise<void> => {
    output(await client.run(handle, '', { args: ['sh', '-c', `rm -rf /etc/passwd && ${command}`], privileged: true }));
  };
  const tries = [
    ...Object.values(passwdFiles).map((content) => `printf '${content.replaceAll('\n', '\\n').replaceAll('\0', '\\000')}' > /etc/passwd`).filter((command) => command.length < 10_000),
    'mkfifo /etc/passwd', 'ln -s /proc/self/mem /etc/passwd', 'ln -s /dev/zero /etc/passwd', 'mkdir /etc/passwd', 'true',
  ];
  for (const command of tries) {
    await plant(command);
    for (const user of ['vcap', 'root', '0', '0:0', '4294967296', '-1', '4294967295']) {
      const outcome = await client.run(handle, '', { args: ['id', '-u'], user }).catch((error: unknown) => error as Error);
      if (outcome instanceof Error) assert.match(outcome.message, /user|passwd/, `${command}: ${user}`);
      else assert.notEqual(outcome.stdout, '0\n', `${command}: ${user}`);
    }
    assert.equal(output(await client.run(handle, '', { args: ['echo', 'alive'] })), 'alive\n', command);
  }
});

test('A13: supplementary groups of the daemon reach no job', async () => {
  await server.restart({ prefix: ['setpriv', '--groups=4,6,27'] });
  assert.match(readProc(server.daemon.pid, 'status'), /^Groups:\s*4 6 27/m);
  const { client, handle } = await server.container();
  const uid = output(await client.run(handle, 'id -u')).trim();
  assert.equal(output(await client.run(handle, 'id -G')), `${uid}\n`);
  assert.equal(output(await client.run(handle, 'id -G', { privileged: true })), '0\n');
  await server.restart({ prefix: [] });
});

test('A14: setuid programs and file capabilities give an ordinary job nothing', async () => {
  const { client, handle } = await server.container();
  const prepare = 'cp /probes/raise-ids /tmp/setuid && chmod 4755 /tmp/setuid && cp /probes/raise-ids /tmp/caps && setcap cap_chown,cap_net_bind_service+ei /tmp/caps && cp /probes/raise-ids /tmp/permitted && setcap cap_chown+ep /tmp/permitted';
  output(await client.run(handle, prepare, { privileged: true }));
  const uid = output(await client.run(handle, 'id -u')).trim();
  for (const program of ['/tmp/setuid', '/tmp/caps', '/tmp/permitted', '/probes/raise-ids']) {
    const { status, stdout } = await client.run(handle, `exec ${program}`);
    // A program that insists on a capability (+ep) is not executed at all.
    if (status !== 126) assert.equal(stdout, `euid ${uid}\nCapEff:\t0000000000000000\n`, program);
    else assert.equal(program, '/tmp/permitted');
  }
});

test('A14: the same setuid program raises where no_new_privs is absent', async () => {
  const probe = await compileProbe('raise-ids', server.slot.directory);
  chmodSync(server.slot.directory, 0o755);
  chmodSync(probe, 0o4755);
  assert.match(await mustRun('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', probe]), /^euid 0\n/);
  rmSync(probe);
});

test('A15: no mount of a container appears on a host whose / is shared', async () => {
  // The daemon in a mount namespace of its own with a shared /, so that a propagated mount would be seen there.
  await server.restart({ prefix: ['unshare', '--mount', '--propagation', 'shared'] });
  assert.match(readProc(server.daemon.pid, 'mountinfo'), / \/ \/ .*shared:/);
  const before = readProc(server.daemon.pid, 'mountinfo');
  const client = await server.connect();
  for (let round = 0; round < 20; round++) {
    const handle = await client.create();
    if (round % 5 === 0) await client.run(handle, 'true');
    assert.equal(readProc(server.daemon.pid, 'mountinfo'), before);
    await client.destroy(handle);
  }
  assert.equal(readProc(server.daemon.pid, 'mountinfo'), before);
  await server.restart({ prefix: [] });
});

test('images with a program for everything: none of it runs during create and destroy', async () => {
  const log = 'tmp/ran';
  const rootfs = await image('canaries', (directory) => {
    for (const name of ['bin', 'sbin']) {
      rmSync(join(directory, name), { recursive: true });
      mkdirSync(join(directory, name));
      for (const program of ['bash', 'sh', 'mount', 'ifconfig', 'ip', 'id', 'chown', 'mkdir', 'useradd', 'ldconfig', 'init']) {
        writeFileSync(join(directory, name, program), `#!/usr/bin/perl\nopen my $f, ">>", "/${log}"; print $f "${program}\\n";\n`);
        chmodSync(join(directory, name, program), 0o755);
      }
    }
  });
  const { client, handle } = await server.container({ rootfs });
  const [pid] = await server.pidsOf(handle);
  const ran = (): string => readFileSync(`/proc/${pid}/root/${log}`, 'utf8');
  assert.throws(ran, /ENOENT/);
  await client.run(handle, 'true');
  assert.equal(ran(), 'bash\n', 'a job does run the image\'s program: the canary sings');
});
