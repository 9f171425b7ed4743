/** What `trama/client` exports. Exports only. */

export { ProtocolError, RequestError, TramaError } from '../errors.js';
export { type ReplyHead, readReplyHead } from '../protocol/message.js';
export { Client, type ClientState, type CloseOptions, StateEvent } from './client.js';
export { type AnnouncedColumn, Column, columnOf } from './column.js';
export { ColumnError } from './column-error.js';
export type { ColumnOptions } from './column-options.js';
export { connect } from './connect.js';
export type { DataSource } from './data-source.js';
export type {
  CallOptions,
  ClientOptions,
  ConnectOptions,
  ReconnectOptions,
  ValueCallOptions,
} from './options.js';
export { ReplyError } from './reply-error.js';
export type { ColumnSum, SumColumnOptions } from './sum-column.js';
export type { TlsOptions } from './tls-transport.js';
export type { OpenTransport, Transport, TransportHandlers } from './transport.js';
