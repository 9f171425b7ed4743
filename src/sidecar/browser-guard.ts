/**
 * What a server on the loopback owes to the browser beside it: headers that keep its pages from being framed or
 * fed foreign scripts, and a refusal of calls that another site's page sends (a form or a `fetch` needs no permission
 * to POST to 127.0.0.1; a name that was rebound to 127.0.0.1 even gets to read the answer).
 *
 * Programs that are no browser send neither `Origin` nor `Sec-Fetch-Site` and are not held up.
 */

import { isIP } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { replyError } from './replies.js';

const headers = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
};

export function addSecurityHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

/**
 * An `onRequest` hook that refuses a browser's request unless a page of this very server sent it.
 * @param boundHost the address that the sidecar listens on; where it is the loopback, so must be the name asked for
 */
export function refuseForeignPages(boundHost: string) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const { origin, host = '', 'sec-fetch-site': site } = request.headers;
    const fromBrowser = origin !== undefined || site !== undefined;
    const foreign = (site !== undefined && site !== 'same-origin' && site !== 'none') || !sameHost(origin, host);
    const rebound = isLoopback(boundHost) && !isLoopback(hostName(host));
    if (fromBrowser && (foreign || rebound)) {
      replyError(reply, 'FORBIDDEN', 'a browser may call operations only from a page of this server');
    } else done();
  };
}

function sameHost(origin: string | undefined, host: string): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

function hostName(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
}

function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}
