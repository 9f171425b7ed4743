/** nginx before one server, with its `stream` module, which Debian has as a package of its own. */
import { existsSync } from 'node:fs';
import { startBalancer } from './balancer.js';
import type { Need, TestContext } from './suite.js';

const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** What a test with nginx needs. */
export const nginxNeeds: readonly Need[] = [
  'nginx',
  () => (existsSync(streamModule) ? undefined : 'the stream module of nginx is not there (libnginx-mod-stream)'),
];

export interface NginxOptions {
  readonly serverPort: number;
  /** What stands in its `server` block beside the ports, such as `proxy_protocol on;`. */
  readonly server: string;
}

/** Resolves to the port of its front. */
export function startNginx(t: Pick<TestContext, 'after'>, { serverPort, server }: NginxOptions): Promise<number> {
  return startBalancer(t, {
    program: 'nginx',
    args: (configPath, folder) => ['-p', folder, '-c', configPath, '-e', `${folder}/error.log`],
    config: (port, folder) => `load_module ${streamModule};
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
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
}
