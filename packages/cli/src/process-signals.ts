// Signals that people and other programs send to `warden`, for commands that have something to do then.

export interface Signals {
  /** Calls back for each; answers with the way to stop that, after which they end the program again. */
  listen(listener: (signal: NodeJS.Signals) => void): () => void;
}

const NAMES: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

export const processSignals: Signals = {
  listen(listener) {
    for (const name of NAMES) process.on(name, listener);
    return () => {
      for (const name of NAMES) process.off(name, listener);
    };
  },
};
