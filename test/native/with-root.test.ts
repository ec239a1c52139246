/* The programs themselves, with namespaces, cgroups and links. One after the other: they look at what the machine has. */
import { declareChecks } from './native-checks.js';

await declareChecks({ target: 'test-root', what: 'with root', atOnce: 1 });
