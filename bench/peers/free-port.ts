import { createServer } from 'node:net';

/** Below the ports that Linux gives to whoever asks for any (`ip_local_port_range`): no connection takes one meanwhile. */
const first = 20_000;
const count = 12_000;
const triesMax = 100;

/** A port of 127.0.0.1 that was free a moment ago: for servers that cannot be told to take any. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const port = first + Math.floor(Math.random() * count);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${triesMax} ports from ${first} on is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
