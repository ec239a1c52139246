// Requests for files of the mock server's containers.
import type { Socket } from 'node:net';
import { type TransferDataResponse, Type, WardenError } from 'warden-protocol';
import { TAR_END, tarHeader, tarPadding } from '../tar/header.js';
import { TarReader } from '../tar/reader.js';
import type { FakeHandlers } from './fake-server.js';
import { emptyDirectory, entryOf, fault, type MockDirectory, type MockFile, type MockNode, type MockTree, nowNs } from './mock-tree.js';

/** Content that comes in pieces. */
interface Transfer {
  readonly pieces: Uint8Array[];
  readonly finish: (content: Buffer) => Promise<Partial<TransferDataResponse>>;
}

/** Bytes of one reply. */
const PIECE = 256 * 1024;

type FileTypes = Type.ReadFile | Type.WriteFile | Type.TransferData | Type.ListFiles | Type.StatFile | Type.MakeDirectory | Type.RemoveFile | Type.RenameFile | Type.TarIn | Type.TarOut;

/** @param treeOf throws not_found for an unknown handle */
export function fileHandlers(treeOf: (handle: string) => MockTree): Pick<FakeHandlers, FileTypes> {
  const transfers = new WeakMap<Socket, Map<number, Transfer>>();
  const begin = (socket: Socket, id: number, transfer: Transfer): void => {
    const open = transfers.get(socket) ?? new Map<number, Transfer>();
    if (open.has(id)) throw new WardenError('exists', `transfer ${id} is under way`);
    transfers.set(socket, open.set(id, transfer));
  };

  return {
    [Type.ReadFile]: async function* ({ handle, path, user, offset = 0n, length }) {
      const node = treeOf(handle).find(path, { user });
      if (node === undefined) throw fault('read file', path, 'not_found', 'no such file or directory');
      if (node.kind !== 'file') throw fault('read file', path, 'invalid_argument', 'is no regular file');
      yield { entry: entryOf(node, undefined, user) };
      yield* pieces(node.data.subarray(Number(offset), length === undefined ? undefined : Number(offset + length)));
      yield { last: true };
    },
    [Type.WriteFile]: async ({ handle, path, user, mode, append = false, exclusive = false, offset, data = new Uint8Array(0), transferId }, { socket }) => {
      const file = openFile(treeOf(handle), path, user, exclusive);
      if (mode !== undefined) file.mode = mode;
      const at = append ? file.data.length : Number(offset ?? 0n);
      if (!append && offset === undefined) file.data = Buffer.alloc(0);
      const finish = async (content: Buffer): Promise<Partial<TransferDataResponse>> => {
        const whole = Buffer.alloc(Math.max(file.data.length, at + content.length));
        file.data.copy(whole);
        content.copy(whole, at);
        Object.assign(file, { data: whole, modifiedNs: nowNs() });
        return { sizeInBytes: BigInt(content.length) };
      };
      if (transferId === undefined) return finish(Buffer.from(data));
      begin(socket, transferId, { pieces: [Buffer.from(data)], finish });
      return {};
    },
    [Type.TransferData]: async ({ transferId, data, last, abandon }, { socket }) => {
      const open = transfers.get(socket);
      const transfer = open?.get(transferId);
      if (open === undefined || transfer === undefined) throw new WardenError('not_found', `there is no transfer ${transferId} on this connection`);
      if (data !== undefined) transfer.pieces.push(Buffer.from(data));
      if (last !== true && abandon !== true) return {};
      open.delete(transferId);
      return abandon === true ? {} : transfer.finish(Buffer.concat(transfer.pieces));
    },
    [Type.ListFiles]: async function* ({ handle, path, user, limit }) {
      const node = treeOf(handle).find(path, { user });
      if (node === undefined) throw fault('list files', path, 'not_found', 'no such file or directory');
      if (node.kind !== 'directory') throw fault('list files', path, 'invalid_argument', 'is no directory');
      const all = [...node.entries];
      const most = limit === undefined ? all.length : Number(limit);
      yield { entries: all.slice(0, most).map(([name, child]) => entryOf(child, name, user)) };
      yield { last: true, ...(all.length > most ? { more: true } : {}) };
    },
    [Type.StatFile]: ({ handle, path, user, noFollow }) => {
      const node = treeOf(handle).find(path, { user, noFollow });
      if (node === undefined) throw fault('stat file', path, 'not_found', 'no such file or directory');
      return { entry: entryOf(node, undefined, user) };
    },
    [Type.MakeDirectory]: ({ handle, path, user, mode, parents }) => {
      const tree = treeOf(handle);
      if (parents === true) {
        tree.makeDirectories(path, mode, user);
        return {};
      }
      const { directory, name } = tree.placeOf(path, 'make directory', user);
      if (directory.entries.has(name)) throw fault('make directory', path, 'exists', 'it is there already');
      directory.entries.set(name, emptyDirectory(mode));
      return {};
    },
    [Type.RemoveFile]: ({ handle, path, user, recursive, force }) => {
      const tree = treeOf(handle);
      const node = tree.find(path, { user, noFollow: true });
      if (node === undefined && force === true) return {};
      if (node === undefined) throw fault('remove file', path, 'not_found', 'no such file or directory');
      if (node.kind === 'directory' && node.entries.size > 0 && recursive !== true) throw fault('remove file', path, 'wrong_state', 'the directory is not empty');
      const { directory, name } = tree.placeOf(path, 'remove file', user);
      directory.entries.delete(name);
      return {};
    },
    [Type.RenameFile]: ({ handle, path, newPath, user, exclusive }) => {
      const tree = treeOf(handle);
      const from = tree.placeOf(path, 'rename file', user);
      const to = tree.placeOf(newPath, 'rename file', user);
      const node = from.directory.entries.get(from.name);
      if (node === undefined) throw fault('rename file', path, 'not_found', 'no such file or directory');
      if (exclusive === true && to.directory.entries.has(to.name)) throw fault('rename file', newPath, 'exists', 'it is there already');
      from.directory.entries.delete(from.name);
      to.directory.entries.set(to.name, node);
      return {};
    },
    [Type.TarIn]: ({ handle, path, user, transferId }, { socket }) => {
      const node = treeOf(handle).find(path, { user });
      if (node?.kind !== 'directory') throw fault('extract', path, 'not_found', 'no such directory');
      begin(socket, transferId, { pieces: [], finish: (archive) => extract(archive, node) });
      return {};
    },
    [Type.TarOut]: async function* ({ handle, path, user, name }) {
      const node = treeOf(handle).find(path, { user });
      if (node === undefined) throw fault('archive', path, 'not_found', 'no such file or directory');
      const own = name ?? (node.kind === 'directory' ? Buffer.from('.') : path.subarray(path.lastIndexOf(0x2f) + 1));
      const entries = [...archived(node, Buffer.from(own))];
      yield* pieces(Buffer.concat([...entries.flat(), TAR_END]));
      yield { last: true, entries: BigInt(entries.length) };
    },
  };
}

function* pieces(content: Uint8Array): Generator<{ data: Uint8Array }, void, void> {
  for (let at = 0; at < content.length; at += PIECE) yield { data: content.subarray(at, at + PIECE) };
}

function openFile(tree: MockTree, path: Uint8Array, user: string | undefined, exclusive: boolean): MockFile {
  const found = tree.find(path, { user });
  if (found !== undefined && exclusive) throw fault('write file', path, 'exists', 'it is there already');
  if (found?.kind === 'file') return found;
  if (found !== undefined) throw fault('write file', path, 'invalid_argument', 'is no regular file');
  const { directory, name } = tree.placeOf(path, 'write file', user);
  const made: MockFile = { kind: 'file', mode: 0o644, modifiedNs: nowNs(), data: Buffer.alloc(0) };
  directory.entries.set(name, made);
  return made;
}

/** Each entry with its content. */
function* archived(node: MockNode, name: Buffer): Generator<Uint8Array[], void, void> {
  const type = node.kind === 'file' ? '0' : node.kind === 'link' ? '2' : '5';
  const sizeInBytes = node.kind === 'file' ? BigInt(node.data.length) : 0n;
  const header = tarHeader({
    name: node.kind === 'directory' ? Buffer.concat([name, Buffer.from('/')]) : name, type, sizeInBytes, mode: node.kind === 'link' ? 0o777 : node.mode, uid: 0n, gid: 0n, modifiedNs: node.modifiedNs,
    target: node.kind === 'link' ? node.target : undefined,
  });
  yield node.kind === 'file' ? [header, node.data, tarPadding(sizeInBytes)] : [header];
  if (node.kind !== 'directory') return;
  for (const [child, inner] of node.entries) yield* archived(inner, Buffer.concat([name, Buffer.from('/'), Buffer.from(child, 'latin1')]));
}

/** Paths with `..` are left out, as are those that lead over something that is no directory. */
async function extract(archive: Buffer, root: MockDirectory): Promise<Partial<TransferDataResponse>> {
  const reader = new TarReader((async function* () { yield archive; })());
  const notes: string[] = [];
  let [entries, sizeInBytes] = [0n, 0n];
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
    const data: Uint8Array[] = [];
    if (entry.type === '0') for await (const piece of reader.content(entry)) data.push(piece);
    const names = entry.path.toString('latin1').split('/').filter((name) => name !== '' && name !== '.');
    const directory = names.includes('..') ? undefined : directoryOf(root, names.slice(0, -1));
    const name = names.at(-1);
    if (directory === undefined) {
      notes.push(`${entry.path.toString()}: left out`);
      continue;
    }
    entries++;
    // The archive's own root is there.
    if (name === undefined) continue;
    const modifiedNs = BigInt(Math.round(entry.modified * 1e6)) * 1000n;
    const before = directory.entries.get(name);
    if (entry.type === '2') directory.entries.set(name, { kind: 'link', modifiedNs, target: entry.target });
    else if (entry.type === '0') directory.entries.set(name, { kind: 'file', mode: entry.mode, modifiedNs, data: Buffer.concat(data) });
    else if (before?.kind === 'directory') before.mode = entry.mode;
    else directory.entries.set(name, emptyDirectory(entry.mode));
    sizeInBytes += BigInt(entry.type === '0' ? entry.size : 0);
  }
  return { entries, sizeInBytes, notes };
}

/** Made when it is not there. */
function directoryOf(root: MockDirectory, names: readonly string[]): MockDirectory | undefined {
  let at = root;
  for (const name of names) {
    const next = at.entries.get(name) ?? emptyDirectory();
    if (next.kind !== 'directory') return undefined;
    at.entries.set(name, next);
    at = next;
  }
  return at;
}
