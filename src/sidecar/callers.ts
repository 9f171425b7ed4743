/**
 * Who calls over HTTP: the token of `Authorization: Bearer`, given to the server, or else the name in the certificate. The probes are open, since who asks
 * them has no secrets; so are the figures on the loopback, as everything is there for who may read the process's files.
 * A caller with wrong tokens waits, or loses the connection, as over TCP.
 */

import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Identity } from '../server/access/identity.js';
import type { ServerView } from '../server/server-view.js';
import { isLoopback } from './browser-guard.js';
import type { HttpPeer } from './connections.js';
import { replyError } from './replies.js';

const callers = new WeakMap<FastifyRequest, Identity>();

/** Whose request it is; `undefined` where nobody has to say. */
export function callerOf(request: FastifyRequest): Identity | undefined {
  return callers.get(request);
}

const probes: ReadonlySet<string> = new Set(['/livez', '/readyz']);

/** Who a caller is, by its socket, where that was found out on its way in. */
export type PeerOf = (socket: Duplex) => HttpPeer | undefined;

/** The caller's address: a balancer may have told it. */
export function addressOf({ raw: { socket } }: FastifyRequest, peerOf?: PeerOf): string | undefined {
  return peerOf?.(socket)?.address.remoteAddress ?? socket.remoteAddress;
}

/** Does the caller come from this machine? */
export function isOfThisMachine(request: FastifyRequest, peerOf?: PeerOf): boolean {
  return isLoopback((addressOf(request, peerOf) ?? '').replace(/^::ffff:/, ''));
}

/** @param host address that the sidecar listens on */
export function askWhoCalls(http: FastifyInstance, view: ServerView, host: string, peerOf?: PeerOf): void {
  if (view.authMode === 'off' && peerOf === undefined) return;
  http.addHook('onRequest', async (request, reply) => {
    const name = peerOf?.(request.raw.socket)?.identity;
    if (view.authMode === 'off' && name === undefined) return undefined;
    const path = request.routeOptions.url;
    const isLocal = isLoopback(host) && isOfThisMachine(request, peerOf);
    if (path !== undefined && (probes.has(path) || (path === '/metrics' && isLocal))) return undefined;
    // Where nobody is asked for a token, one that is sent all the same says nothing.
    const { authorization } = view.authMode === 'off' ? {} : request.headers;
    const token = authorization === undefined ? undefined : (bearer.exec(authorization)?.[1] ?? '');
    const caller = await view.authenticate(token, addressOf(request, peerOf), name);
    if (caller.refusal !== undefined) return refuse(reply, caller.refusal, caller.isCut);
    if (caller.identity !== undefined) callers.set(request, caller.identity);
    return undefined;
  });
}

const bearer = /^Bearer +([\w~+/.-]+=*) *$/i;

function refuse(reply: FastifyReply, message: string, isCut: boolean): FastifyReply {
  if (isCut) {
    reply.raw.socket?.destroy();
    return reply.hijack();
  }
  const asked = reply.header('www-authenticate', 'Bearer realm="trama"').header('connection', 'close');
  return replyError(asked, 'UNAUTHENTICATED', message);
}
