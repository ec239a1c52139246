/** Handlers of work on a container's files over the connection. */
import { encodeContent, Type, WardenError } from 'warden-protocol';
import type { Container } from '../container/container.js';
import type { Containers } from '../container/containers.js';
import { beginTransfer, changeFiles, checkContent, contentLimitInBytes, type FileEntry, type FileOrder, type Transfer, type TransferEnd, type TransferSink } from '../container/files.js';
import type { Call } from './call.js';
import type { Handlers } from './handlers.js';
import { OpenTransfers } from './open-transfers.js';

type FileRequests = Type.ReadFile | Type.WriteFile | Type.TransferData | Type.ListFiles | Type.StatFile | Type.MakeDirectory | Type.RemoveFile | Type.RenameFile | Type.TarIn | Type.TarOut;

/** Of a request with content. One of more has the rest in fields that nobody knows, and that is not to wait for the container with the content. */
const requestLimitInBytes = 2 * contentLimitInBytes;

/** @param named finds the container of a request, to which the connection refers from then on */
export function makeFileHandlers(containers: Containers, named: (call: Call, handle: string) => Container): Pick<Handlers, FileRequests> {
  const transfers = new OpenTransfers();

  function begin(call: Call, handle: string, order: FileOrder, sink?: TransferSink): Transfer {
    return beginTransfer(containers, named(call, handle), order, sink);
  }

  /** Waits for the end; the client's going gives the transfer up. */
  function ended(call: Call, transfer: Transfer): Promise<TransferEnd> {
    return unlessInterrupted(call, transfer, transfer.ended);
  }

  /** Content of a transfer of this connection. What went wrong meanwhile is told with the next piece, and ends the transfer. */
  async function piece(call: Call, id: number, transfer: Transfer, data: Uint8Array): Promise<void> {
    try {
      const isAlone = data.buffer.byteLength <= requestLimitInBytes;
      await unlessInterrupted(call, transfer, isAlone ? transfer.write(data, call.giveBack()) : transfer.write(Buffer.from(data)));
    } catch (error) {
      transfers.remove(call, id);
      throw error;
    }
  }

  return {
    [Type.ReadFile]: async (call, { handle, path, user, offset, length }) => {
      const sink: TransferSink = {
        entries: ([entry]) => call.sendResponse(Type.ReadFile, { entry }),
        content: (data, release) => call.sendParts(encodeContent(Type.ReadFile, data), release),
      };
      const transfer = begin(call, handle, { operation: 'read', user, path, position: offset, length }, sink);
      call.onWritable(() => transfer.resume());
      await ended(call, transfer);
      return { last: true };
    },
    [Type.WriteFile]: async (call, { handle, path, user, mode, append, exclusive, offset, data = new Uint8Array(0), transferId }) => {
      const more = transferId !== undefined;
      if (more) transfers.checkFree(call, transferId);
      checkContent(data);
      const transfer = begin(call, handle, {
        operation: 'write', user, path, mode, position: offset,
        flags: ['create', exclusive === true ? 'exclusive' : undefined, append === true ? 'append' : undefined, append !== true && offset === undefined ? 'truncate' : undefined],
        content: more ? undefined : data,
      });
      if (!more) return { sizeInBytes: (await ended(call, transfer)).length ?? 0n };
      await unlessInterrupted(call, transfer, transfer.opened);
      transfers.add(call, transferId, transfer);
      await piece(call, transferId, transfer, data);
      return {};
    },
    [Type.TarIn]: async (call, { handle, path, user, transferId, keepSetid, keepOwner }) => {
      transfers.checkFree(call, transferId);
      const transfer = begin(call, handle, {
        operation: 'tarIn', user, path, flags: [keepSetid === true ? 'keepSetid' : undefined, keepOwner === true ? 'keepOwner' : undefined],
      });
      await unlessInterrupted(call, transfer, transfer.opened);
      transfers.add(call, transferId, transfer);
      return {};
    },
    [Type.TransferData]: async (call, { transferId, data = new Uint8Array(0), last, abandon }) => {
      const transfer = transfers.get(call, transferId);
      if (abandon === true) {
        transfers.remove(call, transferId);
        transfer.giveUp();
        return {};
      }
      checkContent(data);
      await piece(call, transferId, transfer, data);
      if (last !== true) return {};
      transfer.finish();
      try {
        const { length, entries, notes } = await ended(call, transfer);
        return { sizeInBytes: length, entries, notes };
      } finally {
        transfers.remove(call, transferId);
      }
    },
    [Type.TarOut]: async (call, { handle, path, user, name, keepSetid }) => {
      const sink: TransferSink = { entries: () => true, content: (data, release) => call.sendParts(encodeContent(Type.TarOut, data), release) };
      const transfer = begin(call, handle, { operation: 'tarOut', user, path, target: name, flags: [keepSetid === true ? 'keepSetid' : undefined] }, sink);
      call.onWritable(() => transfer.resume());
      const { entries, notes } = await ended(call, transfer);
      return { last: true, entries, notes };
    },
    [Type.ListFiles]: async (call, { handle, path, user, limit }) => {
      const sink: TransferSink = { entries: (entries) => call.sendResponse(Type.ListFiles, { entries }), content: () => true };
      const transfer = begin(call, handle, { operation: 'list', user, path, entryLimit: limit }, sink);
      call.onWritable(() => transfer.resume());
      const { more } = await ended(call, transfer);
      return { last: true, ...(more && { more }) };
    },
    [Type.StatFile]: async (call, { handle, path, user, noFollow }) => {
      let entry: FileEntry | undefined;
      const sink: TransferSink = {
        entries: ([only]) => {
          entry = only;
          return true;
        },
        content: () => true,
      };
      await ended(call, begin(call, handle, { operation: 'stat', user, path, flags: [noFollow === true ? 'noFollow' : undefined] }, sink));
      if (entry === undefined) throw new WardenError('internal', 'stat_file was answered without an entry');
      return { entry };
    },
    [Type.MakeDirectory]: async (call, { handle, path, user, mode, parents }) => {
      await changeFiles(containers, named(call, handle), { operation: 'makeDirectory', user, path, mode, flags: [parents === true ? 'recursive' : undefined] });
      return {};
    },
    [Type.RemoveFile]: async (call, { handle, path, user, recursive, force }) => {
      const transfer = begin(call, handle, { operation: 'remove', user, path, flags: [recursive === true ? 'recursive' : undefined, force === true ? 'force' : undefined] });
      await ended(call, transfer);
      return {};
    },
    [Type.RenameFile]: async (call, { handle, path, newPath, user, exclusive }) => {
      await changeFiles(containers, named(call, handle), { operation: 'rename', user, path, target: newPath, flags: [exclusive === true ? 'exclusive' : undefined] });
      return {};
    },
  };
}

/** What is waited for; the transfer is given up when the client has gone or the server ends. */
export function unlessInterrupted<T>(call: Call, transfer: Transfer, wait: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    call.onInterrupt((reason: WardenError) => {
      transfer.giveUp();
      reject(reason);
    });
    wait.then(resolve, reject);
  });
}
