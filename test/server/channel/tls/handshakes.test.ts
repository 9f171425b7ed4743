/** Handshakes by themselves: what no peer can bring about. */
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { Certificates } from '../../../../src/server/channel/tls/certificates.js';
import { Handshakes } from '../../../../src/server/channel/tls/handshakes.js';
import { openAuthority } from '../../../support/certificates.js';
import { suite } from '../../../support/suite.js';
import { until } from '../../../support/until.js';

const test = suite('TLS handshakes');

test.needs('openssl', 'a defect in one costs its connection, and no other one its turn', async (t) => {
  let broken = 1;
  class Breaking extends Certificates {
    override get context(): Certificates['context'] {
      if (broken-- > 0) throw new Error('a defect');
      return super.context;
    }
  }
  const { cert, key } = openAuthority(t).issue('server');
  const config = { tlsCert: cert, tlsKey: key, tlsClientCa: undefined, tlsClient: 'required', tlsMin: '1.2' } as const;
  const certificates = new Breaking(config, pino({ level: 'silent' }));
  t.after(() => certificates.close());
  // Its constructor has not asked for it.
  assert.is(broken, 1);
  const handshakes = new Handshakes(certificates);
  const outcomes: string[] = [];
  const sockets: Socket[] = [];
  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    const arrival = { socket, address: { remoteAddress: '127.0.0.1', remotePort: 1 }, identity: undefined };
    handshakes.step(arrival, performance.now() + 10_000).then(
      (through) => {
        if (through !== undefined) sockets.push(through.socket);
        outcomes.push(through === undefined ? 'refused' : 'through');
      },
      (error: Error) => outcomes.push(error.message),
    );
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  const { port } = listener.address() as { port: number };
  const dial = () => {
    const client = connectSecure({ socket: connect({ port, host: '127.0.0.1' }), rejectUnauthorized: false });
    client.on('error', () => {});
    t.after(() => client.destroy());
  };
  for (let count = 0; count < 3; count++) dial();
  await until('all are over', () => outcomes.length === 3);
  assert.equal([...outcomes].sort(), ['a defect', 'through', 'through']);
  const { waiting, outcomes: counted } = handshakes.figures();
  assert.equal([waiting, counted.failed, counted.full], [0, 1, 2]);
});

test.run();
