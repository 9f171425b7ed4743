import { type Client, type ClientOptions, connect } from '../client/index.js';

/**
 * Connects, runs `action`, and closes without a wait: a command has all that it wants by then, or has given it up.
 * The connection is not renewed, since a command is over when it is lost.
 */
export async function withClient<T>(
  host: string,
  port: number,
  options: ClientOptions,
  action: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connect({ ...options, host, port, reconnect: false });
  try {
    return await action(client);
  } finally {
    await client.close({ drainMs: 0 });
  }
}
