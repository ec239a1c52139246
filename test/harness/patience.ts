/* How much longer than usual things may take here: deadlines, which only turn a hang into a failure, are that many times as long. */
const wanted = Number(process.env['WARDEN_TEST_PATIENCE'] ?? '1');

/** 1 but in an emulated machine (`npm run test:vm`). */
export const PATIENCE = wanted >= 1 ? wanted : 1;

/** For waits that have to pass before a test knows that nothing comes. */
export const SHORT_PATIENCE = Math.min(PATIENCE, 3);
