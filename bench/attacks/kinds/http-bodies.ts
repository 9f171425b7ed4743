import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack, Target } from '../attack.js';

const pauseMs = 100;

/** Posts bodies of so many bytes over HTTP, so many at once, each after the answer to the one before. */
export function postBodies(op: 'echo' | 'sum', bodyBytes: number, atOnce: number): Attack {
  return async (target) => {
    const body = bodyOf(op, bodyBytes);
    const agent = new Agent({ keepAlive: true });
    let answered = 0;
    let refused = 0;
    const postAll = async () => {
      while (true) {
        const status = await post(target, agent, op, body);
        if (status === 200) answered++;
        else refused++;
        await sleep(pauseMs);
      }
    };
    for (let count = 0; count < atOnce; count++) void postAll();
    return () => ({ answered, refused });
  };
}

/** The envelope that the server puts around a body counts, too. */
const envelopeBytes = 256;

function bodyOf(op: 'echo' | 'sum', bytes: number): string {
  const room = bytes - envelopeBytes;
  if (op === 'echo') return JSON.stringify('x'.repeat(room - 2));
  const number = '1234.5678,';
  return `[${number.repeat(Math.floor(room / number.length) - 1)}0]`;
}

/** @returns the status, or 0 where no answer came */
function post({ httpPort }: Target, agent: Agent, op: string, body: string): Promise<number> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port: httpPort, path: `/v1/call/${op}`, method: 'POST', agent };
    const posting = request({ ...options, headers: { 'content-type': 'application/json' } }, (response) => {
      response.resume().once('close', () => resolve(response.statusCode ?? 0));
    });
    posting.once('error', () => resolve(0)).end(body);
  });
}
