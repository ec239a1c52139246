import { WardenError } from 'warden-protocol';

/** A configuration that was refused. The message names the source, the key and the reason, on one line. */
export class ConfigurationError extends WardenError {
  override readonly name = 'ConfigurationError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super('invalid_argument', message, options);
  }
}
