// Commands that need no server: `warden NAME …`. Each is a line in this table.
import { runConfigCommand } from './config-command.js';
import { imageVerbs } from './image/image-command.js';
import { runRootfsCommand } from './rootfs/command.js';
import type { Streams } from './streams.js';

export interface LocalCommand {
  /** One line for `warden --help`. */
  readonly summary: string;
  /** Takes what follows the name on the command line, and answers with the exit status. */
  readonly run: (argv: readonly string[], streams: Streams) => Promise<number>;
}

export const localCommands: ReadonlyMap<string, LocalCommand> = new Map([
  ['config', { summary: 'look at the configuration: warden config check | show [--origin] [--json]', run: runConfigCommand }],
  ['rootfs', { summary: 'make a root file system: warden rootfs build DIR', run: runRootfsCommand }],
]);

/** The command that the words stand for; undefined: one for the server, as `rootfs ls` is. */
export function localCommandOf([name = '', verb = '']: readonly string[]): LocalCommand | undefined {
  return imageVerbs(name)?.includes(verb) === true ? undefined : localCommands.get(name);
}
