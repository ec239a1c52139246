import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleDescription } from './sample-description.js';
import { ElementOperation, FrameType, HookPointNumber, MountFlag, QuotaKind, Tag } from './wire.js';
import { Attributes, FrameReader, FrameWriter } from './wire-codec.js';
import { writeDescription, writeFirewallChain, writeFirewallElement } from './write-description.js';

test('every part of a description is on the wire', () => {
  const writer = new FrameWriter();
  writeDescription(writer, sampleDescription);
  let sent: Attributes | undefined;
  new FrameReader().push(writer.frame(FrameType.create), ({ body }) => (sent = new Attributes(body)));
  assert.ok(sent !== undefined);
  assert.deepEqual(
    [Tag.id, Tag.handle, Tag.directory, Tag.hostname, Tag.pingGroups, Tag.syslogSocket].map((tag) => sent?.text(tag)),
    ['1hq3k5m7o9q', 'größe', '/depot/containers/1hq3k5m7o9q', 'demo', '10000 65535', '/dev/log'],
  );
  assert.equal(sent.u64(Tag.privilegedCapabilities), 0x8004_05fbn);
  assert.equal(sent.u32(Tag.deadlineMs), 30_000);
  assert.equal(sent.u32(Tag.quotaKind), QuotaKind.project);
  assert.equal(sent.text(Tag.lower), '/top', 'the topmost comes first');

  const [mount] = sent.nested(Tag.mount);
  assert.deepEqual([mount?.text(Tag.source), mount?.text(Tag.destination), mount?.u32(Tag.flags)], ['/usr', '/usr', MountFlag.readOnly | MountFlag.recursive]);
  const [hook] = sent.nested(Tag.hook);
  assert.deepEqual([hook?.u32(Tag.hookPoint), hook?.text(Tag.argument), hook?.u64(Tag.timeoutMs), sent.text(Tag.hookInput)], [HookPointNumber.childAfterPivot, '/hooks/one', 5000n, '{"a":"ü"}']);
  const [directory] = sent.nested(Tag.upperDirectory);
  assert.deepEqual([directory?.text(Tag.path), directory?.u32(Tag.mode), directory?.u32(Tag.uid), directory?.u32(Tag.gid)], ['/home/vcap', 0o755, 10_000, 10_001]);
  const [file] = sent.nested(Tag.upperFile);
  assert.deepEqual([file?.text(Tag.path), file?.u32(Tag.mode), file?.text(Tag.content)], ['/etc/hosts', 0o644, '127.0.0.1 localhost\n']);
  const [account] = sent.nested(Tag.accountFile);
  assert.deepEqual([account?.text(Tag.path), account?.text(Tag.name), account?.text(Tag.line)], ['/etc/passwd', 'vcap', 'vcap:x:10000:10000::/home/vcap:/bin/bash']);
  const [user] = sent.nested(Tag.user);
  assert.deepEqual([user?.text(Tag.name), user?.u32(Tag.uid), user?.u32(Tag.privileged), user?.text(Tag.environment)], ['root', 0, 1, 'HOME=/root']);
  const [extent] = sent.nested(Tag.idMap);
  assert.deepEqual([extent?.u32(Tag.inside), extent?.u32(Tag.outside), extent?.u32(Tag.count)], [0, 0x2000_0000, 65_536]);
  const [group] = sent.nested(Tag.cgroup);
  assert.deepEqual([group?.text(Tag.path), group?.u32(Tag.version), group?.nested(Tag.setting)[0]?.text(Tag.content)], ['/cgroup/warden/1hq3k5m7o9q', 1, '9']);
  const [link] = sent.nested(Tag.link);
  assert.deepEqual([link?.text(Tag.hostName), link?.text(Tag.containerName), link?.u32(Tag.prefix), link?.u32(Tag.mtu)], ['w-demo-0', 'w-demo-1', 30, 1400]);
  assert.equal(link?.bytes(Tag.containerAddress)?.toString('hex'), '0afe0002');
  assert.equal(link?.bytes(Tag.hostMac)?.toString('hex'), '02000afe0001');
  const [element] = sent.nested(Tag.element);
  assert.deepEqual([element?.u32(Tag.operation), element?.u32(Tag.family), element?.text(Tag.table), element?.text(Tag.set)], [ElementOperation.ensure, 3, 'warden', 'senders']);
});

test('only a nested container is told so, and which controllers its groups have', () => {
  const sentFor = (nested: boolean): Attributes => {
    const writer = new FrameWriter();
    writeDescription(writer, { ...sampleDescription, nested });
    return new Attributes(Buffer.from(writer.attributes()));
  };
  assert.deepEqual([false, true].map((nested) => [sentFor(nested).u32(Tag.nested), sentFor(nested).nested(Tag.cgroup)[0]?.text(Tag.controllers)]), [[undefined, undefined], [1, 'cpu,cpuacct']]);
});

test('flags of mounts: a file is one only where it is read-only', () => {
  const common = { source: '/s', destination: '/d', recursive: false };
  const mounts = [
    { ...common, readOnly: true, resolved: true, isFile: true, ids: 'mapped' as const },
    { ...common, readOnly: false, resolved: true, isFile: true, ids: 'mapped-for-root' as const },
    { ...common, readOnly: false, ids: 'host' as const },
  ];
  const writer = new FrameWriter();
  writeDescription(writer, { ...sampleDescription, mounts });
  const flags = new Attributes(Buffer.from(writer.attributes())).nested(Tag.mount).map((mount) => mount.u32(Tag.flags));
  assert.deepEqual(flags, [MountFlag.readOnly | MountFlag.noLinks | MountFlag.file, MountFlag.noLinks | MountFlag.rootsOnly, MountFlag.hostIds]);
});

test('a text with a NUL never reaches the wire', () => {
  assert.throws(() => writeDescription(new FrameWriter(), { ...sampleDescription, hostname: 'a\0b' }), { code: 'invalid_argument' });
});

test('elements of intervals and maps, and chains with their rules, are on the wire', () => {
  const writer = new FrameWriter();
  const [key, keyEnd, data] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
  writeFirewallElement(writer, { operation: 'ensure', family: 'inet', table: 't', set: 'ranges', key, keyEnd, data });
  writeFirewallElement(writer, { operation: 'ensure', family: 'inet', table: 't', set: 'net_out', key, jump: 'out-x' });
  writeFirewallElement(writer, { operation: 'add', family: 'inet', table: 't', set: 'opened', key, timeoutMs: 5000 });
  writeFirewallChain(writer, { operation: 'delete', family: 'inet', table: 't', name: 'out-y', rules: [] });
  writeFirewallChain(writer, { operation: 'ensure', family: 'inet', table: 't', name: 'out-x', gone: [Uint8Array.of(1)], rules: [{ expressions: Uint8Array.of(8, 9), note: Uint8Array.of(2) }, { expressions: Uint8Array.of(7), note: Uint8Array.of(3) }] });
  const sent = new Attributes(Buffer.from(writer.attributes()));
  const [range, jump, fading] = sent.nested(Tag.element);
  assert.deepEqual([range?.bytes(Tag.keyEnd), range?.bytes(Tag.data), range?.text(Tag.jump)], [Buffer.of(2), Buffer.of(3), undefined]);
  assert.deepEqual([jump?.bytes(Tag.keyEnd), jump?.bytes(Tag.data), jump?.text(Tag.jump)], [undefined, undefined, 'out-x']);
  assert.deepEqual([range?.u64(Tag.elementTimeout), fading?.u64(Tag.elementTimeout)], [undefined, 5000n]);
  const [gone, made] = sent.nested(Tag.chain);
  assert.deepEqual([gone?.u32(Tag.operation), gone?.u32(Tag.family), gone?.text(Tag.table), gone?.text(Tag.name), gone?.bytes(Tag.rule)], [ElementOperation.delete, 1, 't', 'out-y', undefined]);
  assert.deepEqual([made?.u32(Tag.operation), made?.text(Tag.name), made?.bytes(Tag.rule), made?.bytes(Tag.ruleNote), made?.bytes(Tag.ruleGone)], [ElementOperation.ensure, 'out-x', Buffer.of(8, 9), Buffer.of(2), Buffer.of(1)]);
});
