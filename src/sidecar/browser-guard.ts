/**
 * What a server on the loopback owes to a browser on the same machine: headers that keep its pages from being framed or fed
 * foreign scripts, and refusals of what another site's page sends or asks for. A form or a `fetch` needs no permission to
 * POST to 127.0.0.1, and a page whose own name was rebound to 127.0.0.1 even gets to read the answer.
 *
 * A rebound name is known by the `Host` alone: of a GET from such a page a browser sends neither `Origin` nor
 * `Sec-Fetch-Site`. So on the loopback each request has to name an address or `localhost`, whoever sends it.
 */

import { isIP } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { cutText } from '../protocol/cut-text.js';
import { replyError } from './replies.js';

const headers = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
};

type Hook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

export function addSecurityHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

/**
 * An `onRequest` hook that refuses requests which name another host than this one.
 * @param boundHost the address that the sidecar listens on; what is not the loopback may have names that nobody here knows
 */
export function refuseReboundHosts(boundHost: string): Hook {
  const bound = boundHost.toLowerCase();
  const guards = isLoopback(bound);
  return (request, reply, done) => {
    const { host } = request.headers;
    if (!guards || host === undefined) return done();
    const name = hostName(host);
    if (isIP(withoutBrackets(name)) !== 0 || isLoopback(name) || name === bound) return done();
    const shown = JSON.stringify(cutText(host, 100));
    const error = `the HTTP side listens on ${boundHost} and does not answer for the host ${shown}; ask for localhost`;
    replyError(reply, 'FORBIDDEN', `${error}, or choose another address with --http-host`);
  };
}

/**
 * An `onRequest` hook that refuses a browser's request unless a page of this very server sent it. Programs that are no
 * browser send neither `Origin` nor `Sec-Fetch-Site`, and pass.
 * @param boundHost the address that the sidecar listens on; where it is the loopback, so must be the name asked for
 */
export function refuseForeignPages(boundHost: string): Hook {
  return (request, reply, done) => {
    const { origin, host = '', 'sec-fetch-site': site } = request.headers;
    const fromBrowser = origin !== undefined || site !== undefined;
    const foreign = (site !== undefined && site !== 'same-origin' && site !== 'none') || !sameHost(origin, host);
    const rebound = isLoopback(boundHost) && !isLoopback(hostName(host));
    if (fromBrowser && (foreign || rebound)) {
      replyError(reply, 'FORBIDDEN', 'a browser may do this only from a page of this server');
    } else done();
  };
}

function sameHost(origin: string | undefined, host: string): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

/** The name in a `Host` header, in lower case and without a port; empty where it is none. */
function hostName(host: string): string {
  if (!URL.canParse(`http://${host}`)) return '';
  return new URL(`http://${host}`).hostname.replace(/\.$/, '');
}

/** Is this `localhost`, or an address of the loopback? */
export function isLoopback(name: string): boolean {
  const bare = withoutBrackets(name);
  const isLocalName = bare === 'localhost' || bare.endsWith('.localhost');
  return isLocalName || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

function withoutBrackets(name: string): string {
  return name.replace(/^\[|\]$/g, '');
}
