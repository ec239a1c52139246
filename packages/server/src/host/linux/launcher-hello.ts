/** The first message to the launcher: what it prepares before any container is made. */
import { join } from 'node:path';
import type { CgroupDescription } from '../container-description.js';
import { Tag, wireVersion } from './wire.js';
import type { FrameWriter } from './wire-codec.js';
import { writeCgroup } from './write-description.js';

export interface HelloOptions {
  readonly programsPath: string;
  readonly depotPath: string;
  /** File that containers with the host's /usr see in it. */
  readonly localeArchive?: string | undefined;
  /** Whether the processes in those groups may use every device. */
  readonly allDevices?: boolean;
  /** Parent groups whose device rules are set once. */
  readonly deviceCgroups: readonly Pick<CgroupDescription, 'path' | 'version'>[];
}

export function writeHello(writer: FrameWriter, { programsPath, depotPath, localeArchive, deviceCgroups, allDevices = false }: HelloOptions): void {
  writer
    .u32(Tag.version, wireVersion)
    .text(Tag.depot, depotPath)
    .text(Tag.monitorProgram, join(programsPath, 'monitor'))
    .text(Tag.wshdProgram, join(programsPath, 'wshd'))
    .text(Tag.filesProgram, join(programsPath, 'files'))
    .text(Tag.seccompProgram, join(programsPath, 'seccomp.bpf'));
  if (localeArchive !== undefined) writer.text(Tag.localeArchive, localeArchive);
  for (const { path, version } of deviceCgroups) {
    writer.nested(Tag.deviceCgroup, () => {
      writeCgroup(writer, { path, version, settings: [] });
      if (allDevices) writer.u32(Tag.allDevices, 1);
    });
  }
}
