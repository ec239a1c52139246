// The subcommands, by name, and when one is meant.
import { requestTypeOf } from 'warden-protocol';
import { FILE_SUMMARIES, namesFile } from './files/file-command.js';
import { lookingCommands } from './looking/index.js';
import { runningCommands } from './running/index.js';
import { isRequestForm } from './subcommand/request-form.js';
import type { Subcommand } from './subcommand/subcommand.js';

export const subcommands: ReadonlyMap<string, Subcommand> = new Map([...runningCommands, ...lookingCommands].map((subcommand) => [subcommand.name, subcommand]));

/** The subcommand that a command line stands for; undefined: a request, or one of the older commands. */
export function subcommandOf(name: string, words: readonly string[]): Subcommand | undefined {
  const subcommand = subcommands.get(name);
  if (subcommand === undefined || (FILE_SUMMARIES.has(name) && namesFile(words))) return undefined;
  const type = requestTypeOf(name);
  return type !== undefined && isRequestForm(type, words) ? undefined : subcommand;
}
