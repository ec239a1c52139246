// Subcommands that make, run and end something.
import type { Subcommand } from '../subcommand/subcommand.js';
import { attachCommand } from './attach.js';
import { createCommand } from './create.js';
import { killCommand, removeCommand, stopCommand } from './end.js';
import { execCommand } from './exec.js';
import { runCommand } from './run.js';
import { waitCommand } from './wait.js';

export const runningCommands: readonly Subcommand[] = [runCommand, execCommand, createCommand, attachCommand, waitCommand, stopCommand, killCommand, removeCommand];
