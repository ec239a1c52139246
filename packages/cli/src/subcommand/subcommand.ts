// A subcommand: what people type behind `warden`, with options and operands, beside the requests with their fields.
import type { CommandContext } from '../commands.js';

export interface Option {
  /** One letter. */
  readonly short?: string;
  /** What stands for its value in the help; left out: a flag. */
  readonly value?: string;
  /** It may be given several times. */
  readonly many?: true;
  readonly about: string;
  /** The only values there are. */
  readonly choices?: readonly string[];
}

/** By long name, without dashes. */
export type OptionTable = Readonly<Record<string, Option>>;

export interface Subcommand {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the name. */
  readonly usage: string;
  readonly options: OptionTable;
  /** Operands. */
  readonly fewest: number;
  readonly most: number;
  /** Options end at the first operand: what follows is a command of its own. */
  readonly ownWords?: true;
  /** Takes -o table|json. */
  readonly json?: true;
  /** The exit status of its own failure; 1 unless given. */
  readonly failedStatus?: number;
  /** It passes signals on itself; others are given up at an interrupt. */
  readonly takesSignals?: true;
  /** What operands are, for completion. */
  readonly operandKind?: 'handle' | 'path' | 'image';
  /** Or which there are. */
  readonly operandChoices?: readonly string[];
  /** The end of its help. */
  readonly notes?: string;
  /** It needs no server. */
  readonly local?: true;
  /** Answers with the exit status; rejects with a WardenError, which becomes a sentence. */
  readonly run: (call: Call) => Promise<number>;
}

/** One use of a subcommand. */
export interface Call extends Parsed {
  readonly context: CommandContext;
}

/** What a command line says. */
export interface Parsed {
  /** With ownWords everything from the first operand, or --, on. */
  readonly operands: readonly string[];
  readonly help: boolean;
  readonly json: boolean;
  flag(name: string): boolean;
  /** The last one that was given. */
  value(name: string): string | undefined;
  values(name: string): readonly string[];
}
