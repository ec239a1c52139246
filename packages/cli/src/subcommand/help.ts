// `SUBCOMMAND --help`, from what is known of it.
import { columns } from '../columns.js';
import { optionsOf } from './options.js';
import type { Option, Subcommand } from './subcommand.js';

export function subcommandHelp(subcommand: Subcommand): string {
  const { name, summary, usage, notes } = subcommand;
  const options = columns(Object.entries(optionsOf(subcommand)).map(([long, option]) => [written(long, option), option.about]));
  return `${name}: ${summary}\nusage: ${name} ${usage}\n\noptions:\n${options}\n${notes === undefined ? '' : `\n${notes}\n`}`;
}

/** Long names stand below one another, with or without a letter before them. */
function written(long: string, { short, value }: Option): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${long}${value === undefined ? '' : ` ${value}`}`;
}
