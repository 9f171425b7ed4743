/**
 * The way in for programs that embed the server. The server's modules are loaded when it is called: modules of
 * operations import this package too, in every worker thread, and want none of them.
 */
import type { Logger } from 'pino';
import type { FlagTexts } from './config/load-config.js';
import { ConfigError } from './errors.js';
import type { RunningServer, ServerConfig } from './server/server.js';

/**
 * Starts a server in this process; resolves once it takes connections. The pool warms up behind it. There is no HTTP
 * side, and no signal is handled: see `drain` and `close` of what it resolves to.
 * @param options what differs from the defaults of `trama serve`; the environment is not read. `operationModules` may be
 *   paths or file URLs
 * @param log a pino logger; nothing is logged without one
 * @throws ConfigError where an option is wrong or an operation module cannot be loaded; the error of `listen` where the
 *   port cannot be had
 */
export async function startServer(options: Partial<ServerConfig> = {}, log?: Logger): Promise<RunningServer> {
  const [{ startServer: start }, { loadConfig }, { optionKeys }, { pino }, { fileURLToPath }] = await Promise.all([
    import('./server/server.js'),
    import('./config/load-config.js'),
    import('./config/options.js'),
    import('pino'),
    import('node:url'),
  ]);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const unknown = given.find(([key]) => !(optionKeys as readonly string[]).includes(key));
  if (unknown) throw new ConfigError(`startServer: there is no option "${unknown[0]}"; see ServerConfig`);
  const pathOf = (module: string) => (module.startsWith('file:') ? fileURLToPath(module) : module);
  const textsOf = (value: unknown) =>
    Array.isArray(value) ? value.map((each) => pathOf(String(each))) : [String(value)];
  const texts = Object.fromEntries(given.map(([key, value]) => [key, textsOf(value)])) as FlagTexts;
  return start(loadConfig(texts, {}).config, log ?? pino({ level: 'silent' }));
}
