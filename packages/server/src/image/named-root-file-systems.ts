/** Root file systems that create knows by a name: IMAGES/../rootfs.json, replaced as a whole. */
import { WardenError } from 'warden-protocol';
import { z } from '../lib/zod.js';
import type { NamedRootFileSystems } from './image-store.js';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const countLimit = 1024;
const schema = z.strictObject({ version: z.literal(1), rootfs: z.record(z.string(), z.string()) });

export interface NamedRootFileSystemsOptions {
  /** The text that was written last; undefined: none was. */
  readonly read: () => string | undefined;
  /** Replaces it. */
  readonly write: (text: string) => void;
  /** @throws WardenError when the directory cannot be a root file system */
  readonly check: (path: string) => void;
}

export function isRootFileSystemName(text: string): boolean {
  return namePattern.test(text);
}

export class NamedRootFileSystemsFile implements NamedRootFileSystems {
  readonly #paths: Map<string, string>;

  /** @throws Error when what was written is damaged */
  constructor(private readonly options: NamedRootFileSystemsOptions) {
    const text = options.read();
    this.#paths = new Map(text === undefined ? [] : Object.entries(schema.parse(JSON.parse(text)).rootfs));
  }

  list(): { name: string; path: string }[] {
    return [...this.#paths].map(([name, path]) => ({ name, path }));
  }

  /** Undefined: there is none of that name. */
  pathOf(name: string): string | undefined {
    return this.#paths.get(name);
  }

  add(name: string, path: string): void {
    if (!isRootFileSystemName(name)) throw new WardenError('invalid_argument', `${JSON.stringify(name)} cannot name a root file system: up to 128 letters, digits, dots, - and _, a letter or digit first`);
    const before = this.#paths.get(name);
    if (before === path) return;
    if (before !== undefined) throw new WardenError('exists', `the name ${name} stands for ${before}: remove it first`);
    if (this.#paths.size >= countLimit) throw new WardenError('exhausted', `there are ${countLimit} named root file systems, more are not kept`);
    this.options.check(path);
    this.#replace(new Map([...this.#paths, [name, path]]));
  }

  remove(name: string): void {
    if (!this.#paths.has(name)) throw new WardenError('not_found', `rootfs ${name} not found`);
    this.#replace(new Map([...this.#paths].filter(([each]) => each !== name)));
  }

  #replace(paths: Map<string, string>): void {
    this.options.write(`${JSON.stringify({ version: 1, rootfs: Object.fromEntries(paths) })}\n`);
    this.#paths.clear();
    for (const [name, path] of paths) this.#paths.set(name, path);
  }
}
