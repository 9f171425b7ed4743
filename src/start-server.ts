/**
 * The way in for programs that embed the server. The server's modules are loaded when it is called: modules of
 * operations import this package too, in every worker thread, and want none of them.
 */
import type { Logger } from 'pino';
import type { RunningServer, ServerConfig } from './server/server.js';

/**
 * Starts a server in this process; resolves once it takes connections. The pool warms up behind it.
 * @param options what differs from the defaults of `trama serve`; the environment is not read
 * @param log a pino logger; nothing is logged without one
 * @throws ConfigError where an operation module cannot be loaded; the error of `listen` where the port cannot be had
 */
export async function startServer(options: Partial<ServerConfig> = {}, log?: Logger): Promise<RunningServer> {
  const [{ startServer: start }, { loadConfig }, { pino }] = await Promise.all([
    import('./server/server.js'),
    import('./config/load-config.js'),
    import('pino'),
  ]);
  return start({ ...loadConfig({}, {}).config, ...options }, log ?? pino({ level: 'silent' }));
}
