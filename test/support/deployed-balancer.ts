/**
 * The configurations of `deploy/`, run by the real programs: what stands in them for addresses and files is replaced by the
 * test's own, and nothing else.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectOptions } from '../../src/client/index.js';
import { type RunningBalancer, startBalancer } from './balancer.js';
import { openAuthority, type Pair } from './certificates.js';
import { haproxy } from './haproxy.js';
import { nginx, nginxNeeds } from './nginx.js';
import type { RunningServer } from './server.js';
import type { Need, TestContext } from './suite.js';

export const balancers = ['haproxy', 'nginx'] as const;
export type Balancer = (typeof balancers)[number];

/** How bytes come from clients to servers; each way has a file for each balancer. */
export const ways = ['plain', 'tls-ended', 'tls-passed-through', 'mutual-tls'] as const;
export type Way = (typeof ways)[number];

/** What a test with this balancer needs of the machine. */
export function needsOf(balancer: Balancer, way: Way = 'plain'): readonly Need[] {
  return [...(balancer === 'nginx' ? nginxNeeds : [balancer]), ...(way === 'plain' ? [] : ['openssl'])];
}

/** The files of a way, and what belongs to them on both sides of the balancer. */
export interface TlsFiles {
  /** Has the files that the configurations name. */
  readonly folder: string;
  /** Of the servers. */
  readonly server: Pair;
  readonly clientsCa: string;
  readonly balancersCa: string;
  /** What a client trusts. */
  readonly ca: readonly Buffer[];
  /** A certificate that the balancer, and the servers where TLS is passed through, take from a client. */
  issueClient(name: string): { readonly cert: Buffer; readonly key: Buffer };
}

export function makeTlsFiles(t: Pick<TestContext, 'after'>): TlsFiles {
  const front = openAuthority(t, 'front');
  const servers = openAuthority(t, 'servers');
  const clients = openAuthority(t, 'clients');
  const others = openAuthority(t, 'balancers');
  const { folder } = front;
  const writeJoined = (name: string, { cert, key }: Pair) =>
    writeFileSync(join(folder, name), Buffer.concat([readFileSync(cert), readFileSync(key)]));
  writeJoined('front.pem', front.issue('front-of-balancer'));
  writeJoined('balancer.pem', others.issue('balancer'));
  copyFileSync(clients.cert, join(folder, 'clients-ca.pem'));
  copyFileSync(servers.cert, join(folder, 'servers-ca.pem'));
  return {
    folder,
    server: servers.issue('server', { alternativeNames: 'DNS:trama.internal,DNS:localhost,IP:127.0.0.1' }),
    clientsCa: clients.cert,
    balancersCa: others.cert,
    ca: [readFileSync(front.cert), readFileSync(servers.cert)],
    issueClient(name) {
      const { cert, key } = clients.issue(name);
      return { cert: readFileSync(cert), key: readFileSync(key) };
    },
  };
}

interface WayParts {
  readonly files: Readonly<Record<Balancer, string>>;
  /** What stands in the configuration for the balancer's own port. */
  readonly front: number;
  readonly serverPort: 'port' | 'tlsPort';
  readonly healthPort: 'httpPort' | 'httpsPort';
  /** Arguments of the servers. */
  args(tls: TlsFiles): readonly string[];
}

const trusting = ['--proxy-protocol', '--trusted-proxies', '127.0.0.1'];
const overTls = ({ server }: TlsFiles) => ['--tls-port', '0', '--tls-cert', server.cert, '--tls-key', server.key];

const parts: Readonly<Record<Way, WayParts>> = {
  plain: {
    files: { haproxy: 'haproxy.cfg', nginx: 'nginx.conf' },
    front: 5000,
    serverPort: 'port',
    healthPort: 'httpPort',
    args: () => [],
  },
  'tls-ended': {
    files: { haproxy: 'tls-ended.cfg', nginx: 'tls-ended.conf' },
    front: 5443,
    serverPort: 'port',
    healthPort: 'httpPort',
    args: () => trusting,
  },
  'tls-passed-through': {
    files: { haproxy: 'tls-passed-through.cfg', nginx: 'tls-passed-through.conf' },
    front: 5443,
    serverPort: 'tlsPort',
    healthPort: 'httpPort',
    args: (tls) => [...trusting, ...overTls(tls)],
  },
  'mutual-tls': {
    files: { haproxy: 'mutual-tls.cfg', nginx: 'mutual-tls.conf' },
    front: 5443,
    serverPort: 'tlsPort',
    healthPort: 'httpsPort',
    args: (tls) => [...trusting, ...overTls(tls), '--https-port', '0', '--tls-client-ca', tls.balancersCa],
  },
};

/** Arguments of a server behind a balancer. */
export function serverArgs(way: Way, tls: TlsFiles | undefined): readonly string[] {
  return tls === undefined ? [] : parts[way].args(tls);
}

/** What a client needs to connect to the balancer. */
export function clientOptions(tls: TlsFiles | undefined): ConnectOptions {
  return tls === undefined ? {} : { tls: { ca: tls.ca } };
}

export interface DeployedOptions {
  readonly balancer: Balancer;
  readonly way: Way;
  readonly tls: TlsFiles | undefined;
  readonly servers: readonly Pick<RunningServer, 'port' | 'tlsPort' | 'httpPort' | 'httpsPort'>[];
  /** Where the servers are. */
  readonly hosts: readonly string[];
  /** Changes the configuration: where a test cannot wait as long as people can. */
  readonly adapt: (config: string) => string;
}

/** Resolves once it takes connections; it ends with the test. */
export function startDeployed(t: Pick<TestContext, 'after'>, options: DeployedOptions): Promise<RunningBalancer> {
  const program = options.balancer === 'haproxy' ? haproxy : nginx;
  return startBalancer(t, { ...program, config: (port) => options.adapt(fillIn(options, port)) });
}

function fillIn({ balancer, way, tls, servers, hosts }: DeployedOptions, port: number): string {
  const { files, front, serverPort, healthPort } = parts[way];
  const path = `../../../deploy/${balancer}/${files[balancer]}`;
  let text = readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
  const replace = (pattern: RegExp, by: string) => {
    if (!pattern.test(text)) throw new Error(`${path} has nothing like ${pattern}`);
    text = text.replace(pattern, by);
  };
  servers.forEach((server, index) => {
    const health = balancer === 'haproxy' ? ` port ${server[healthPort]}` : '';
    const stands = `\\btrama-${index + 1}:${serverPort === 'port' ? 5000 : 5443}\\b`;
    replace(new RegExp(stands), `${hosts[index]}:${server[serverPort]}${health}`);
  });
  replace(new RegExp(`(bind |listen ):?${front}\\b`), `$1127.0.0.1:${port}`);
  return tls === undefined ? text : text.replaceAll(`/etc/${balancer}/tls/`, `${tls.folder}/`);
}
