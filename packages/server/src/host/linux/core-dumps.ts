/** Where the kernel puts the memory of processes that crash: core(5). */
import { readFileSync } from 'node:fs';
import type { CoreDumps } from '../host.js';

export class LinuxCoreDumps implements CoreDumps {
  constructor(private readonly read: (path: string) => string = (path) => readFileSync(path, 'utf8')) {}

  /**
   * A program (|) or a socket (@) is the host's. A file is opened in the process's own root directory; but one with an absolute
   * path in the host's, for programs whose memory is not anybody's to read, when suid_dumpable is 2.
   */
  leaveContainers(): boolean {
    const pattern = this.read('/proc/sys/kernel/core_pattern');
    if (pattern.startsWith('|') || pattern.startsWith('@')) return true;
    return pattern.startsWith('/') && this.read('/proc/sys/fs/suid_dumpable').trim() === '2';
  }
}
