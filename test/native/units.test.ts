/* C units under the sanitizers. */
import { declareChecks } from './native-checks.js';

await declareChecks({ target: 'test', what: 'units', atOnce: 2 });
