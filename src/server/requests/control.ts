/** The server's own operations: names that begin with `$`. `$ping` is the engine's, `$auth` the dispatcher's. */
import type { WireErrorCode } from '../../errors.js';
import type { OperationInfo } from '../../ops/operation-info.js';
import { errorFrame, type IdToken, okFrame } from '../../protocol/replies.js';
import type { Peer } from './peer.js';
import type { RequestRecord } from './request.js';

interface ControlCall {
  readonly idToken: IdToken;
  readonly request: RequestRecord;
  /** JSON text. */
  readonly data: Uint8Array;
  readonly peer: Peer;
  readonly operations: readonly OperationInfo[];
}

interface ControlReply {
  readonly frame: Uint8Array;
  readonly code?: WireErrorCode;
}

/** Without a reply the peer gives it later. */
type Control = (call: ControlCall) => ControlReply | undefined;

export const controlOperations: Readonly<Record<string, Control | undefined>> = Object.assign(Object.create(null), {
  $ops: ({ idToken, operations }) => ({ frame: okFrame(idToken, descriptionOf(operations)) }),
  $cancel: cancel,
  $draining: awaitDrain,
} satisfies Record<string, Control>);

/** What `$ops` tells of each list of operations, which changes at a reload only: peers may ask as often as they like. */
const descriptions = new WeakMap<readonly OperationInfo[], Uint8Array>();

function descriptionOf(operations: readonly OperationInfo[]): Uint8Array {
  const known = descriptions.get(operations);
  if (known !== undefined) return known;
  const text = Buffer.from(JSON.stringify(operations.map(describe)));
  descriptions.set(operations, text);
  return text;
}

function describe({ name, description, streaming, input, output }: OperationInfo) {
  return { name, description, streaming, input, output };
}

function cancel(call: ControlCall): ControlReply {
  const id = memberOf(call.data, 'id');
  if (id === undefined) return badData(call, '$cancel takes {"id": string}');
  let cancelled = false;
  for (const running of call.peer.inFlight) {
    if (running.request.id !== id) continue;
    running.end('CANCELLED', 'the request was cancelled by $cancel');
    cancelled = true;
  }
  return { frame: okFrame(call.idToken, `{"cancelled":${cancelled}}`) };
}

function awaitDrain({ idToken, peer, request }: ControlCall): ControlReply | undefined {
  if (peer.awaitDrain(request)) return undefined;
  const code = 'BAD_REQUEST';
  return { frame: errorFrame(idToken, code, 'this connection has asked $draining before; once is enough'), code };
}

function badData({ idToken }: ControlCall, message: string): ControlReply {
  return { frame: errorFrame(idToken, 'BAD_DATA', message), code: 'BAD_DATA' };
}

/** A string member of an object in JSON text, which the engine has checked. */
export function memberOf(data: Uint8Array, name: string): string | undefined {
  const value = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString());
  const member = typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof member === 'string' ? member : undefined;
}
