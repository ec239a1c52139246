/** For what can be asked of the launcher twice: when it dies under a request, the next one starts it again. */
import { LauncherGone } from '../host/launcher.js';

export async function againWhenGone<Result>(ask: () => Promise<Result>): Promise<Result> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof LauncherGone)) throw error;
    return ask();
  }
}
