/** HAProxy before one server, in TCP mode. */
import { type BalancerParts, startBalancer } from './balancer.js';
import type { TestContext } from './suite.js';

export interface HaproxyOptions {
  readonly serverPort: number;
  /** What stands on the `server` line behind the address, such as `send-proxy-v2 check`. */
  readonly server: string;
  /** What stands on the `bind` line behind the address, such as `ssl crt server.pem`. */
  readonly bind?: string;
  /** Further lines of the `backend` section. */
  readonly backend?: string;
}

/** How it is started in the foreground. */
export const haproxy: Pick<BalancerParts, 'program' | 'args'> = {
  program: 'haproxy',
  args: (configPath) => ['-db', '-f', configPath],
};

/** Resolves to the port of its front. */
export async function startHaproxy(t: Pick<TestContext, 'after'>, options: HaproxyOptions): Promise<number> {
  const { serverPort, server, bind = '', backend = '' } = options;
  const { port: front } = await startBalancer(t, {
    ...haproxy,
    config: (port) => `global
  maxconn 200
defaults
  mode tcp
  timeout connect 2s
  timeout client 1m
  timeout server 1m
frontend front
  bind 127.0.0.1:${port} ${bind}
  default_backend servers
  ${backend}
backend servers
  server one 127.0.0.1:${serverPort} ${server}
`,
  });
  return front;
}
