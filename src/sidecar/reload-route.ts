/**
 * `POST /v1/reload`: loads the operations anew. For those on the server's own machine only, and not for the pages that a
 * browser there shows.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TramaError } from '../errors.js';
import type { OperationInfo } from '../ops/operation-info.js';
import type { ServerView } from '../server/server-view.js';
import { refuseForeignPages } from './browser-guard.js';
import { callerOf, isOfThisMachine, type PeerOf } from './callers.js';
import { replyError } from './replies.js';
import { reloadSchema } from './schemas.js';

export interface ReloadOptions {
  /** Address that the sidecar listens on. */
  readonly host: string;
  readonly peerOf?: PeerOf;
  readonly reload: () => Promise<readonly OperationInfo[]>;
}

export function addReloadRoute(
  http: FastifyInstance,
  view: Pick<ServerView, 'state'>,
  { host, peerOf, reload }: ReloadOptions,
): void {
  http.route({
    method: 'POST',
    url: '/v1/reload',
    schema: reloadSchema,
    onRequest: [refuseOtherMachines(peerOf), refuseForeignPages(host)],
    handler: async (request, reply) => {
      if (view.state() === 'draining') return replyError(reply, 'SHUTTING_DOWN', 'the server is shutting down');
      const refusal = callerOf(request)?.admit('$reload', 0, performance.now());
      if (refusal !== undefined) return replyError(reply, refusal.code, refusal.message);
      try {
        return { operations: (await reload()).length };
      } catch (error) {
        if (!(error instanceof TramaError)) throw error;
        return replyError(reply, 'INTERNAL', error.message, 409);
      }
    },
  });
}

function refuseOtherMachines(peerOf?: PeerOf) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    if (isOfThisMachine(request, peerOf)) done();
    else replyError(reply, 'FORBIDDEN', 'a reload may be asked for only from the machine of the server');
  };
}
