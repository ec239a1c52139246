/** A container's description in attributes of the internal wire. */
import { ipv4Bytes } from '../../lib/ipv4.js';
import type { CgroupDescription, ContainerDescription, FileOwner, FirewallChain, FirewallElement, HookDescription, LinkDescription, MountDescription } from '../container-description.js';
import { ElementOperation, HookPointNumber, MountFlag, QuotaKind, Tag } from './wire.js';
import type { FrameWriter } from './wire-codec.js';

/** NFPROTO_* of linux/netfilter.h */
const families: Readonly<Record<FirewallElement['family'], number>> = { inet: 1, arp: 3 };

export function writeDescription(writer: FrameWriter, description: ContainerDescription): void {
  writer
    .text(Tag.id, description.id)
    .text(Tag.handle, description.handle)
    .text(Tag.directory, description.directory)
    .text(Tag.hostname, description.hostname)
    .text(Tag.pingGroups, description.pingGroups)
    .u64(Tag.privilegedCapabilities, description.privilegedCapabilities)
    .text(Tag.syslogSocket, description.syslogSocket)
    .u32(Tag.deadlineMs, description.deadlineMs);
  if (description.diskDirectory !== undefined) writer.text(Tag.diskDirectory, description.diskDirectory);
  if (description.nested) writer.u32(Tag.nested, 1);
  if (description.quotaKind !== undefined) writer.u32(Tag.quotaKind, QuotaKind[description.quotaKind]);
  for (const lower of description.lowers) writer.text(Tag.lower, lower);
  for (const mount of description.mounts) {
    writer.nested(Tag.mount, () => writer.text(Tag.source, mount.source).text(Tag.destination, mount.destination).u32(Tag.flags, mountFlags(mount)));
  }
  for (const hook of description.hooks) writer.nested(Tag.hook, () => writeHook(writer, hook));
  if (description.hookInput !== undefined) writer.bytes(Tag.hookInput, Buffer.from(description.hookInput));
  for (const directory of description.upperDirectories) {
    writer.nested(Tag.upperDirectory, () => writeOwner(writer.text(Tag.path, directory.path), directory));
  }
  for (const file of description.upperFiles) {
    writer.nested(Tag.upperFile, () => writeOwner(writer.text(Tag.path, file.path), file).text(Tag.content, file.content));
  }
  for (const account of description.accounts) {
    writer.nested(Tag.accountFile, () => writer.text(Tag.path, account.path).text(Tag.name, account.name).text(Tag.line, account.line));
  }
  for (const user of description.users) {
    writer.nested(Tag.user, () => {
      writer.text(Tag.name, user.name).u32(Tag.uid, user.uid).u32(Tag.gid, user.gid).u32(Tag.privileged, user.privileged ? 1 : 0);
      writer.text(Tag.workingDirectory, user.workingDirectory);
      for (const variable of user.environment) writer.text(Tag.environment, variable);
    });
  }
  for (const extent of description.idMap) {
    writer.nested(Tag.idMap, () => writer.u32(Tag.inside, extent.inside).u32(Tag.outside, extent.outside).u32(Tag.count, extent.count));
  }
  for (const cgroup of description.cgroups) {
    writer.nested(Tag.cgroup, () => {
      writeCgroup(writer, cgroup);
      if (description.nested) writer.text(Tag.controllers, (cgroup.controllers ?? []).join(','));
    });
  }
  writer.nested(Tag.link, () => writeLink(writer, description.link));
  for (const element of description.firewallElements) writeFirewallElement(writer, element);
}

/** HOOK_* */
const hookPointNumbers: Readonly<Record<HookDescription['point'], number>> = {
  parent_before_clone: HookPointNumber.parentBeforeClone,
  parent_after_clone: HookPointNumber.parentAfterClone,
  child_before_pivot: HookPointNumber.childBeforePivot,
  child_after_pivot: HookPointNumber.childAfterPivot,
};

function writeHook(writer: FrameWriter, { point, command, timeoutMs }: HookDescription): void {
  writer.u32(Tag.hookPoint, hookPointNumbers[point]).u64(Tag.timeoutMs, BigInt(timeoutMs));
  for (const argument of command) writer.text(Tag.argument, argument);
}

function mountFlags({ readOnly, recursive, resolved = false, isFile = false, additions = false, ids }: MountDescription): number {
  return (
    (readOnly ? MountFlag.readOnly : 0) |
    (recursive ? MountFlag.recursive : 0) |
    (resolved ? MountFlag.noLinks : 0) |
    (isFile && readOnly ? MountFlag.file : 0) |
    (additions && readOnly ? MountFlag.additions : 0) |
    (ids === 'host' ? MountFlag.hostIds : ids === 'mapped-for-root' ? MountFlag.rootsOnly : 0)
  );
}

function writeOwner(writer: FrameWriter, owner: FileOwner): FrameWriter {
  return writer.u32(Tag.mode, owner.mode).u32(Tag.uid, owner.uid).u32(Tag.gid, owner.gid);
}

/** The attributes of one group, to be nested. */
export function writeCgroup(writer: FrameWriter, cgroup: CgroupDescription): void {
  writer.text(Tag.path, cgroup.path).u32(Tag.version, cgroup.version);
  for (const { name, content } of cgroup.settings) {
    writer.nested(Tag.setting, () => writer.text(Tag.name, name).text(Tag.content, content));
  }
  for (const name of cgroup.usageFiles ?? []) writer.text(Tag.usageFile, name);
}

function writeLink(writer: FrameWriter, link: LinkDescription): void {
  writer
    .text(Tag.hostName, link.hostName)
    .text(Tag.containerName, link.containerName)
    .bytes(Tag.hostMac, link.hostMac)
    .bytes(Tag.containerMac, link.containerMac)
    .bytes(Tag.hostAddress, ipv4Bytes(link.hostAddress))
    .bytes(Tag.containerAddress, ipv4Bytes(link.containerAddress))
    .u32(Tag.prefix, link.prefix)
    .u32(Tag.mtu, link.mtu);
}

/** One ELEMENT attribute. */
export function writeFirewallElement(writer: FrameWriter, element: FirewallElement): void {
  writer.nested(Tag.element, () => {
    writer.u32(Tag.operation, ElementOperation[element.operation]).u32(Tag.family, families[element.family]).text(Tag.table, element.table).text(Tag.set, element.set);
    writer.bytes(Tag.key, element.key);
    if (element.keyEnd !== undefined) writer.bytes(Tag.keyEnd, element.keyEnd);
    if (element.data !== undefined) writer.bytes(Tag.data, element.data);
    if (element.jump !== undefined) writer.text(Tag.jump, element.jump);
    if (element.timeoutMs !== undefined) writer.u64(Tag.elementTimeout, BigInt(element.timeoutMs));
  });
}

/** One CHAIN attribute. */
export function writeFirewallChain(writer: FrameWriter, chain: FirewallChain): void {
  writer.nested(Tag.chain, () => {
    writer.u32(Tag.operation, ElementOperation[chain.operation]).u32(Tag.family, families[chain.family]).text(Tag.table, chain.table).text(Tag.name, chain.name);
    for (const note of chain.gone ?? []) writer.bytes(Tag.ruleGone, note);
    for (const { expressions, note } of chain.rules) writer.bytes(Tag.rule, expressions).bytes(Tag.ruleNote, note);
  });
}
