/** For what can be asked of the launcher again: when it dies under a request, the next one starts it. */
import { LauncherGone } from './launcher.js';

/** @param attempts in all */
export async function againWhenGone<Result>(ask: () => Promise<Result>, attempts = 2): Promise<Result> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof LauncherGone) || attempts === 1) throw error;
    return againWhenGone(ask, attempts - 1);
  }
}
