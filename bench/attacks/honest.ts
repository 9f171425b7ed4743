/**
 * Honest clients as a process of their own: started by `fork` with the server's ports and what to do. Each
 * message asks for what they met with since the last one.
 */

import { connect } from 'node:tls';
import type { HonestFigures } from '../results.js';
import type { Target } from './attack.js';
import { FrameClient, type HonestClient, type HonestKind, HttpClient } from './honest-client.js';

export type HonestWorkName = 'small' | 'sums paced' | 'sums again' | 'sums in parts';
export type HonestReport = Partial<Record<HonestKind, HonestFigures>>;

const [work, port, httpPort, tlsPort, token] = process.argv.slice(2);
const target: Target = { port: Number(port), httpPort: Number(httpPort), token };

/** Some 400 KB: over what the I/O thread answers by itself. */
const numbers = `[${'1234.5678,'.repeat(40_000)}0]`;
/** Some 1.2 MB: it needs a place, and goes to the engine threads in parts. */
const manyNumbers = `[${'1234.5678,'.repeat(120_000)}0]`;

/** Where the server has a port for TLS, its users' operations are called over it. */
const dialSecurely = () =>
  connect({ host: '127.0.0.1', port: Number(tlsPort), rejectUnauthorized: false }).setNoDelay(true);

const small = (): Partial<Record<HonestKind, HonestClient>> => ({
  echo: new FrameClient(target, { op: 'echo', data: '"hola"', everyMs: 5 }),
  operation: new FrameClient(
    target,
    { op: 'quick', data: '1', everyMs: 20 },
    Number(tlsPort) > 0 ? dialSecurely : undefined,
  ),
  call: new HttpClient(target, { path: '/v1/call/echo', body: '"hola"', everyMs: 20, keepAlive: true }),
  metrics: new HttpClient(target, { path: '/metrics', everyMs: 250, keepAlive: false }),
});

const clientsFor: Readonly<Record<HonestWorkName, () => Partial<Record<HonestKind, HonestClient>>>> = {
  small,
  'sums paced': () => ({ sum: new FrameClient(target, { op: 'sum', data: numbers, everyMs: 50 }) }),
  'sums in parts': () => ({ sum: new FrameClient(target, { op: 'sum', data: manyNumbers, everyMs: 50 }) }),
  'sums again': () => ({ sum: new FrameClient(target, { op: 'sum', data: numbers, everyMs: 0 }) }),
};

const clients = Object.entries(clientsFor[work as HonestWorkName]()) as [HonestKind, HonestClient][];
process.once('disconnect', () => process.exit());
process.on('message', () => {
  const report: HonestReport = Object.fromEntries(clients.map(([kind, client]) => [kind, client.cut()]));
  process.send?.(report);
});
