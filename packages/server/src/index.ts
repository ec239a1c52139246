export { main } from './main.js';
export { ConfigurationError } from './config/configuration-error.js';
export { loadConfiguration, parseConfiguration } from './config/load.js';
export type { Configuration } from './config/configuration.js';
