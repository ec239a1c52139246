export { main } from './main.js';
export { loadConfiguration, parseConfiguration, ConfigurationError } from './config/load.js';
export type { Configuration } from './config/configuration.js';
