// Any request's answer as JSON; requests with many answers have a line for each.
import { messageTypes, type RequestInit, type RequestType, Type } from 'warden-protocol';
import type { CommandContext } from './commands.js';
import { jsonLine, jsonText } from './json-text.js';
import { plainMessage } from './looking/plain.js';
import { write } from './streams.js';

const MANY: ReadonlySet<RequestType> = new Set([Type.Stream, Type.Logs, Type.ReadFile, Type.ListFiles, Type.TarOut, Type.CopyIn, Type.CopyOut, Type.ImageImport, Type.ImagePull, Type.Events]);

/** Prints them as they come, and answers with the last. */
export async function printAsJson<T extends RequestType>(type: T, request: RequestInit<T>, { client, streams: { stdout }, signal }: CommandContext): Promise<object> {
  const desc = messageTypes[type].response;
  const text = MANY.has(type) ? jsonLine : jsonText;
  let writing = Promise.resolve();
  const response = await client.requestEach(type, request, (reply) => {
    const line = text(plainMessage(desc, reply));
    writing = writing.then(() => write(stdout, line));
  }, { signal });
  await writing;
  return response;
}
