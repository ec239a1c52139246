// `create IMAGE`: a container in which nothing runs yet.
import { jsonText } from '../json-text.js';
import { printable } from '../print.js';
import { write } from '../streams.js';
import type { Call, Subcommand } from '../subcommand/subcommand.js';
import { BOX_OPTIONS, makeBox, wantedBox } from './box-options.js';
import { findBase } from './image.js';

export const createCommand: Subcommand = {
  name: 'create',
  summary: 'make a container',
  usage: '[OPTION…] [IMAGE|ROOTFS]',
  options: BOX_OPTIONS,
  fewest: 0,
  most: 1,
  json: true,
  operandKind: 'image',
  notes: `IMAGE|ROOTFS as for run; the server's own root file system unless given. Prints the handle; exec runs commands in it.`,
  run: createContainer,
};

async function createContainer(call: Call): Promise<number> {
  const { context, operands: [name] } = call;
  const wanted = wantedBox(call);
  const { rootfs } = await findBase(name, call.value('pull'), context);
  await using box = await makeBox(call, wanted, rootfs);
  await write(context.streams.stdout, call.json ? jsonText({ handle: box.handle }) : `${printable(box.handle)}\n`);
  return 0;
}
