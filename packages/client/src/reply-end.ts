// Which reply to a request is the last one.
import { type CopyInResponse, type CopyOutResponse, type ImageImportResponse, type ImagePullResponse, type ListFilesResponse, type LogsResponse, type ReadFileResponse, type RequestType, type StreamResponse, type TarOutResponse, Type } from 'warden-protocol';

/** Requests that are answered by more than one reply, and how the last one is known. */
export const LAST_REPLY: ReadonlyMap<RequestType, (response: object) => boolean> = new Map<RequestType, (response: object) => boolean>([
  [Type.Stream, (response) => (response as StreamResponse).exitStatus !== undefined],
  [Type.Logs, (response) => (response as LogsResponse).last === true],
  [Type.ReadFile, (response) => (response as ReadFileResponse).last === true],
  [Type.ListFiles, (response) => (response as ListFilesResponse).last === true],
  [Type.TarOut, (response) => (response as TarOutResponse).last === true],
  [Type.Events, () => false],
  [Type.CopyIn, (response) => (response as CopyInResponse).progress === undefined],
  [Type.CopyOut, (response) => (response as CopyOutResponse).progress === undefined],
  [Type.ImageImport, (response) => (response as ImageImportResponse).progress === undefined],
  [Type.ImagePull, (response) => (response as ImagePullResponse).progress === undefined],
]);

export function isLastReply(type: RequestType, response: object): boolean {
  return LAST_REPLY.get(type)?.(response) ?? true;
}
