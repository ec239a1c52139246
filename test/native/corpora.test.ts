/* The fuzz targets: built, and their corpora replayed. */
import { declareChecks } from './native-checks.js';

await declareChecks({ target: 'fuzz', what: 'corpora of the fuzz targets', atOnce: 2 });
