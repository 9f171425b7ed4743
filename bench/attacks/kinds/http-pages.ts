import { Agent, get } from 'node:http';
import type { Attack } from '../attack.js';

const retryMs = 100;

/** Connections to the HTTP side that ask for one page over and over. */
export function getPages(path: string, connections: number): Attack {
  return async ({ httpPort }) => {
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    let answered = 0;
    let refused = 0;
    const ask = () => {
      get({ host: '127.0.0.1', port: httpPort, path, agent }, (response) => {
        response.resume().once('close', () => {
          if (response.statusCode === 200) answered++;
          else refused++;
          ask();
        });
      }).once('error', () => {
        refused++;
        setTimeout(ask, retryMs);
      });
    };
    for (let count = 0; count < connections; count++) ask();
    return () => ({ answered, refused });
  };
}
