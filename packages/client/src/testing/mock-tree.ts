// The files of a container of the mock server, in memory. Rights are not looked at.
import { type FileEntry, WardenError } from 'warden-protocol';

export interface MockFile {
  readonly kind: 'file';
  mode: number;
  modifiedNs: bigint;
  data: Buffer;
}

export interface MockDirectory {
  readonly kind: 'directory';
  mode: number;
  modifiedNs: bigint;
  /** By their names, a character for each byte. */
  readonly entries: Map<string, MockNode>;
}

export interface MockLink {
  readonly kind: 'link';
  modifiedNs: bigint;
  readonly target: Buffer;
}

export type MockNode = MockFile | MockDirectory | MockLink;

/** A directory, and a name in it, whether that is there or not. */
export interface Place {
  readonly directory: MockDirectory;
  readonly name: string;
}

const MOST_LINKS = 40;

/** Names of any bytes as text that can be compared. */
function textOf(path: string | Uint8Array): string {
  return Buffer.from(path).toString('latin1');
}

/** Nanoseconds since the epoch. */
export function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

export function emptyDirectory(mode = 0o755): MockDirectory {
  return { kind: 'directory', mode, modifiedNs: nowNs(), entries: new Map() };
}

/** The error that the server has for it. */
export function fault(what: string, path: string | Uint8Array, code: 'not_found' | 'exists' | 'invalid_argument' | 'wrong_state', why: string): WardenError {
  return new WardenError(code, `${what} (${Buffer.from(path).toString()}): ${why}`);
}

/** `server.containers.get(handle).files`: a relative path begins in /home/vcap. */
export class MockTree {
  readonly root = emptyDirectory();

  constructor() {
    for (const path of ['/home/vcap', '/root', '/tmp', '/etc']) this.makeDirectories(path);
  }

  /** The content of a file; undefined when there is none. */
  read(path: string): Uint8Array | undefined {
    const node = this.find(path);
    return node?.kind === 'file' ? node.data : undefined;
  }

  /** Puts a file there, with directories on the way. */
  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    const text = textOf(path);
    this.makeDirectories(text.slice(0, text.lastIndexOf('/')) || '.');
    const { directory, name } = this.placeOf(path, 'write file');
    directory.entries.set(name, { kind: 'file', mode, modifiedNs: nowNs(), data: Buffer.from(content) });
  }

  /** What has that path, links followed unless told otherwise; undefined: nothing. */
  find(path: string | Uint8Array, { user, noFollow = false }: { readonly user?: string | undefined; readonly noFollow?: boolean | undefined } = {}): MockNode | undefined {
    return this.#walk(textOf(path), this.#home(user), noFollow, 0).at(-1);
  }

  /** Where a path would be made. Throws not_found when the directory is not there. */
  placeOf(path: string | Uint8Array, what: string, user?: string): Place {
    const names = textOf(path).split('/');
    let name = names.pop() ?? '';
    while ((name === '' || name === '.') && names.length > 0) name = names.pop() ?? '';
    const before = names.length === 0 ? '.' : names.join('/') || '/';
    const directory = this.#walk(before, this.#home(user), false, 0).at(-1);
    if (directory?.kind !== 'directory') throw fault(what, path, 'not_found', 'no such file or directory');
    if (name === '' || name === '.' || name === '..') throw fault(what, path, 'invalid_argument', 'it has no name of its own');
    return { directory, name };
  }

  /** A directory, with what is missing on the way. */
  makeDirectories(path: string | Uint8Array, mode = 0o755, user?: string): MockDirectory {
    let at = textOf(path).startsWith('/') ? '/' : '.';
    for (const name of textOf(path).split('/').filter((part) => part !== '' && part !== '.')) {
      const before = this.find(Buffer.from(at, 'latin1'), { user });
      if (before?.kind === 'directory' && !before.entries.has(name) && name !== '..') before.entries.set(name, emptyDirectory(mode));
      at += `/${name}`;
    }
    const made = this.find(Buffer.from(at, 'latin1'), { user });
    if (made?.kind !== 'directory') throw fault('make directory', path, 'exists', 'there is something that is no directory');
    return made;
  }

  #home(user: string | undefined): readonly MockNode[] {
    return this.#walk(user === 'root' ? '/root' : '/home/vcap', [this.root], false, 0);
  }

  /** The nodes on the way, the one that was asked for last; none when there is no such path. */
  #walk(path: string, from: readonly MockNode[], noFollow: boolean, links: number): readonly MockNode[] {
    if (links > MOST_LINKS) return [];
    let way = path.startsWith('/') ? [this.root as MockNode] : [...from];
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    for (const [index, name] of names.entries()) {
      const directory = way.at(-1);
      if (directory?.kind !== 'directory') return [];
      if (name === '..') {
        if (way.length > 1) way = way.slice(0, -1);
        continue;
      }
      const node = directory.entries.get(name);
      if (node === undefined) return [];
      const isLast = index === names.length - 1;
      way = node.kind === 'link' && !(isLast && noFollow) ? [...this.#walk(node.target.toString('latin1'), way, false, links + 1)] : [...way, node];
    }
    return way;
  }
}

const VCAP = 10_000;

/** What is told of a node. */
export function entryOf(node: MockNode, name?: string, user?: string): FileEntry {
  const id = user === 'root' ? 0 : VCAP;
  return {
    kind: node.kind, mode: node.kind === 'link' ? 0o777 : node.mode, uid: id, gid: id, modifiedNs: node.modifiedNs, hardLinks: 1,
    sizeInBytes: node.kind === 'file' ? BigInt(node.data.length) : node.kind === 'link' ? BigInt(node.target.length) : 0n,
    ...(name === undefined ? {} : { name: Buffer.from(name, 'latin1') }), ...(node.kind === 'link' ? { target: node.target } : {}),
  };
}
