/*
 * Network interfaces of this machine. The kernel removes a veth pair some milliseconds after its namespace is gone,
 * so a scan that finds one waits for the kernel's own report (`ip monitor link`) and looks again.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { here, mustRun } from './run-program.js';
import type { Place } from './run-program.js';
import { nextEvent } from './wait.js';
import type { Trigger } from './wait.js';

export interface Link { readonly name: string; readonly alias: string; readonly addresses: string[] }

export async function listLinks(place: Place = here): Promise<Link[]> {
  const links = JSON.parse(await mustRun('ip', ['-json', 'address', 'show'], { place })) as { ifname?: string; ifalias?: string; addr_info?: { local?: string }[] }[];
  return links.filter(({ ifname }) => ifname !== undefined).map(({ ifname, ifalias, addr_info }) => ({
    name: ifname ?? '', alias: ifalias ?? '', addresses: (addr_info ?? []).map(({ local }) => local ?? ''),
  }));
}

export class LinkMonitor {
  readonly #child: ChildProcess;

  constructor(place: Place = here) {
    const [program = '', ...args] = [...place.enter, 'ip', 'monitor', 'link'];
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child.unref();
    this.#child.stdout?.resume();
  }

  nextChange(): Trigger {
    if (this.#child.stdout === null) throw new Error('ip monitor has no output');
    return nextEvent(this.#child.stdout, 'data');
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}
