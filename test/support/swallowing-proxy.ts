/**
 * A network between client and server that can be cut: what was connected then stays so for both sides, and no byte gets through
 * any more, neither data nor an end. Connections that are made later pass.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from './suite.js';

export interface SwallowingProxy {
  readonly port: number;
  /** Cuts all connections that there are; answers how many. */
  cut(): number;
}

/** @param to the port of the server; a function is asked for each connection */
export async function openSwallowingProxy(
  t: Pick<TestContext, 'after'>,
  to: number | (() => number),
): Promise<SwallowingProxy> {
  const sockets = new Set<Socket>();
  /** Those that let bytes through. */
  const passing = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({
      port: typeof to === 'number' ? to : to(),
      host: '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    });
    for (const [from, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      passing.add(from);
      from.on('data', (bytes: Buffer) => passing.has(from) && other.write(bytes));
      from.on('end', () => passing.has(from) && other.end());
      from.on('error', () => {});
      from.on('close', () => {
        if (passing.has(from)) other.destroy();
        sockets.delete(from);
        passing.delete(from);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      const count = passing.size / 2;
      passing.clear();
      return count;
    },
  };
}
