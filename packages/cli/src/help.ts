// What `help`, `COMMAND --help` and `warden --help` print, made from the protocol's own descriptors.
import { DEFAULT_SOCKET_PATH } from 'warden-client';
import { messageTypes, type RequestType, requestTypes, requestTypeOf, Type } from 'warden-protocol';
import { columns } from './columns.js';
import { commentOf, defaultOf, type Flag, flagsOf, typeOf } from './fields.js';
import { IMAGE_SUMMARIES } from './image/image-command.js';
import { FILE_SUMMARIES } from './files/file-command.js';
import { JOB_USAGES } from './job-commands.js';
import { LIMIT_SUMMARY } from './limit-command.js';
import type { LocalCommand } from './local-commands.js';
import { subcommandHelp } from './subcommand/help.js';
import type { Subcommand } from './subcommand/subcommand.js';
import { subcommands } from './subcommands.js';

const SUMMARIES: Readonly<Record<RequestType, string>> = {
  [Type.Create]: 'make a container',
  [Type.Stop]: 'end every process in a container',
  [Type.Destroy]: 'end a container and everything it had',
  [Type.Info]: 'show state, addresses, jobs and statistics of a container',
  [Type.Spawn]: 'start a job and print its id',
  [Type.Link]: 'wait for a job, and print its status and output',
  [Type.Run]: 'run a script, with its output and exit status',
  [Type.Stream]: 'show the output of a job as it comes, and take its exit status',
  [Type.NetIn]: 'open a port of the host to a container',
  [Type.NetOut]: 'let a container reach a network, or take that away',
  [Type.CopyIn]: 'copy files into a container',
  [Type.CopyOut]: 'copy files out of a container',
  [Type.LimitMemory]: 'set or read the memory limit',
  [Type.LimitDisk]: 'set or read the disk limits',
  [Type.LimitBandwidth]: 'set the network bandwidth',
  [Type.LimitCpu]: 'set or read the CPU shares',
  [Type.LimitPids]: 'set or read the limit of processes and threads',
  [Type.Ping]: 'see whether the server answers',
  [Type.List]: 'list the handles of live containers',
  [Type.Echo]: 'have the server repeat a message',
  [Type.Input]: 'write to the standard input of a job',
  [Type.Resize]: 'set the size of a job\'s terminal',
  [Type.Signal]: 'send a signal to every process of a job',
  [Type.Jobs]: 'list the jobs of a container',
  [Type.Logs]: 'show the output of a job, and leave it as it is',
  [Type.ReadFile]: 'read a file of a container',
  [Type.WriteFile]: 'write a file of a container',
  [Type.TransferData]: 'send content of a write_file or tar_in that was begun on the same connection',
  [Type.ListFiles]: 'list a directory of a container',
  [Type.StatFile]: 'show what is known of a file of a container',
  [Type.MakeDirectory]: 'make a directory in a container',
  [Type.RemoveFile]: 'remove a file or directory of a container',
  [Type.RenameFile]: 'give a file of a container another name',
  [Type.TarIn]: 'begin to extract a tar archive in a container',
  [Type.TarOut]: 'make a tar archive of files of a container',
  [Type.ImageImport]: 'make an image of a file or directory of the server\'s host',
  [Type.ImagePull]: 'fetch an image from a registry',
  [Type.ImageList]: 'list the images',
  [Type.ImageInspect]: 'show an image with its configuration',
  [Type.ImageRemove]: 'take a name of an image away, and the image with the last',
  [Type.RootfsList]: 'list the named root file systems',
  [Type.RootfsSet]: 'give a root file system a name, or take one away',
  [Type.Processes]: 'list the processes of a container',
  [Type.Events]: 'tell what happens to containers, as it happens',
};

/** One line about a request. */
export function requestSummary(type: RequestType): string {
  return SUMMARIES[type];
}

/** Commands that are no single request. */
export const BUILTINS: ReadonlyMap<string, string> = new Map([['limit', LIMIT_SUMMARY], ...FILE_SUMMARIES, ...IMAGE_SUMMARIES, ['help', 'show this list'], ['exit', 'leave, as quit and the end of the input do'], ['quit', 'leave']]);

/** One line for each command. */
export function commandList(): string {
  const requests = requestTypes.map((type): [string, string] => [messageTypes[type].name, SUMMARIES[type]]).filter(([name]) => !subcommands.has(name)).sort(([left], [right]) => left < right ? -1 : 1);
  return `${columns([...[...subcommands.values()].map(({ name, summary }): [string, string] => [name, summary]), ...[...BUILTINS].filter(([name]) => !subcommands.has(name))])}

requests of the protocol, with their fields, as create, run and stop have, too:
${columns(requests)}

COMMAND --help shows the options of a command, or its fields; -o json at its end has the answer printed as JSON.
`;
}

/** The fields of one command by rule, with type and default. */
export function commandHelp(type: RequestType): string {
  const { name, request } = messageTypes[type];
  const flags = flagsOf(request);
  const short = JOB_USAGES.get(type);
  const parts = [`${name}: ${SUMMARIES[type]}\nusage: ${short === undefined ? '' : `${short}\n   or: `}${[name, ...flags.filter(({ rule }) => rule === 'required').map((flag) => `--${flag.name} ${typeOf(flag)}`),
    ...(flags.some(({ rule }) => rule !== 'required') ? ['[field…]'] : [])].join(' ')}\n`];
  for (const rule of ['required', 'repeated', 'optional'] as const) {
    const rows = flags.filter((flag) => flag.rule === rule).map((flag): [string, string] => [`--${flag.name} ${typeOf(flag)}`, remarkOn(flag)]);
    if (rows.length > 0) parts.push(`${rule}:\n${columns(rows)}\n`);
  }
  return parts.join('\n');
}

function remarkOn(flag: Flag): string {
  const initial = defaultOf(flag);
  return [...(initial === undefined ? [] : [`(default ${initial})`]), ...(commentOf(flag)?.split('\n') ?? [])].join(' ');
}

/** Of a subcommand, and of the request that has its name. */
export function wholeHelp(subcommand: Subcommand): string {
  const type = requestTypeOf(subcommand.name);
  return `${subcommandHelp(subcommand)}${type === undefined ? '' : `\nThe request of that name has fields instead (${subcommand.name} --handle …):\n\n${commandHelp(type)}`}`;
}

/** `warden --help`. */
export function programHelp(localCommands: ReadonlyMap<string, LocalCommand>): string {
  return `usage: warden [OPTION…]                a prompt, or commands from standard input, one a line
       warden [OPTION…] COMMAND …      one command; its exit status is that of its job, else 0 or 1 (-- may stand before it)

options:
${columns([
    ['--socket PATH', `the server's socket, or tls:HOST:PORT; $WARDEN_SOCKET or ${DEFAULT_SOCKET_PATH} unless given`],
    ['--trace', 'print each command behind a + before it runs'],
    ['--exit_on_error', 'stop at the first command that fails'],
    ['--help', 'show this'],
  ])}

commands:
${commandList()}
commands that need no server:
${columns([...localCommands].map(([name, { summary }]) => [name, summary]))}
`;
}
