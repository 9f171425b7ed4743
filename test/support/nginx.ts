/** nginx before one server, with its `stream` module, which Debian has as a package of its own. */
import { existsSync } from 'node:fs';
import { type BalancerParts, startBalancer } from './balancer.js';
import type { Need, TestContext } from './suite.js';

const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** What a test with nginx needs. */
export const nginxNeeds: readonly Need[] = [
  'nginx',
  () => (existsSync(streamModule) ? undefined : 'the stream module of nginx is not there (libnginx-mod-stream)'),
];

/** How it is started in the foreground, with nothing of its own outside of the folder. */
export const nginx: Pick<BalancerParts, 'program' | 'args'> = {
  program: 'nginx',
  args: (configPath, folder) => [
    ...['-e', 'stderr', '-c', configPath],
    ...['-g', `daemon off; pid ${folder}/nginx.pid; error_log stderr warn;`],
  ],
};

export interface NginxOptions {
  readonly serverPort: number;
  /** What stands in its `server` block beside the ports, such as `proxy_protocol on;`. */
  readonly server: string;
}

/** Resolves to the port of its front. */
export async function startNginx(t: Pick<TestContext, 'after'>, { serverPort, server }: NginxOptions): Promise<number> {
  const { port: front } = await startBalancer(t, {
    ...nginx,
    config: (port) => `load_module ${streamModule};
worker_processes 1;
events { worker_connections 256; }
stream {
  server {
    listen 127.0.0.1:${port};
    proxy_pass 127.0.0.1:${serverPort};
    proxy_half_close on;
    ${server}
  }
}
`,
  });
  return front;
}
