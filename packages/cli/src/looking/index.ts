// Subcommands that only look.
import type { Subcommand } from '../subcommand/subcommand.js';
import { completionCommand } from '../completion/command.js';
import { doctorCommand } from '../doctor/command.js';
import { inspectCommand } from './inspect.js';
import { limitsCommand } from './limits.js';
import { portCommand } from './port.js';
import { psCommand } from './ps.js';
import { statsCommand } from './stats.js';
import { topCommand } from './top.js';

export const lookingCommands: readonly Subcommand[] = [psCommand, inspectCommand, statsCommand, topCommand, portCommand, limitsCommand, doctorCommand, completionCommand];
