import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Full TLS handshakes a second that a port takes from `openssl s_time`, which makes one after the other. */
export async function countHandshakes(port: number, seconds: number): Promise<number> {
  const whole = Math.max(1, Math.round(seconds));
  const args = ['s_time', '-connect', `127.0.0.1:${port}`, '-new', '-time', `${whole}`];
  const { stdout } = await promisify(execFile)('openssl', args, { timeout: whole * 1000 + 30_000 });
  const match = /(\d+) connections in (\d+) real seconds/.exec(stdout);
  if (match === null) throw new Error(`openssl s_time says no rate: ${stdout.slice(-200)}`);
  return Number(match[1]) / Number(match[2]);
}
