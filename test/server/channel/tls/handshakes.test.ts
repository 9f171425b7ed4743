/** Handshakes by themselves: what no peer can bring about. */
import { connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectSecure } from 'node:tls';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { Certificates } from '../../../../src/server/channel/tls/certificates.js';
import { Handshakes } from '../../../../src/server/channel/tls/handshakes.js';
import { TicketKeys } from '../../../../src/server/channel/tls/ticket-keys.js';
import { openAuthority } from '../../../support/certificates.js';
import { suite, type TestContext } from '../../../support/suite.js';
import { until } from '../../../support/until.js';

const test = suite('TLS handshakes');

/** A listener whose connections go through the handshakes, with what came of each, and a client for it. */
async function openHandshakes(t: TestContext, certificates: Certificates, placesMax?: number) {
  t.after(() => certificates.close());
  const handshakes = new Handshakes(certificates, placesMax);
  const outcomes: string[] = [];
  const sockets: Socket[] = [];
  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    const arrival = { socket, address: { remoteAddress: '127.0.0.1', remotePort: 1 }, identity: undefined };
    handshakes.step(arrival, performance.now() + 60_000).then(
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
  /** @param hears does the client take what the server answers? */
  const dial = (hears = true) => {
    const plain = connect({ port, host: '127.0.0.1' }).on('error', () => {});
    const deaf = () => new Duplex({ read: () => {}, write: (bytes, _, done) => void plain.write(bytes, done) });
    const socket = hears ? plain : deaf();
    const client = connectSecure({ socket, rejectUnauthorized: false }).on('error', () => {});
    t.after(() => {
      client.destroy();
      plain.destroy();
    });
    return plain;
  };
  return { handshakes, outcomes, sockets, dial };
}

function configFor(t: TestContext) {
  const { cert, key } = openAuthority(t).issue('server');
  return { tlsCert: cert, tlsKey: key, tlsClientCa: undefined, tlsClient: 'required', tlsMin: '1.2' } as const;
}

const log = pino({ level: 'silent' });

test.needs('openssl', 'a defect in one costs its connection, and no other one its turn', async (t) => {
  let broken = 1;
  class Breaking extends Certificates {
    override get context(): Certificates['context'] {
      if (broken-- > 0) throw new Error('a defect');
      return super.context;
    }
  }
  const { handshakes, outcomes, dial } = await openHandshakes(t, new Breaking(configFor(t), new TicketKeys(), log));
  for (let count = 0; count < 3; count++) dial();
  await until('all are over', () => outcomes.length === 3);
  assert.equal([...outcomes].sort(), ['a defect', 'through', 'through']);
  const { waiting, outcomes: counted } = handshakes.figures();
  assert.equal([waiting, counted.failed, counted.full], [0, 1, 2]);
});

test.needs(
  'openssl',
  'peers that begin a handshake and leave it shut nobody out: the first of them gives way',
  async (t) => {
    const places = 4;
    const { handshakes, outcomes, sockets, dial } = await openHandshakes(
      t,
      new Certificates(configFor(t), new TicketKeys(), log),
      places,
    );
    for (let count = 0; count < places; count++) {
      let heard = 0;
      dial(false).on('data', (bytes) => {
        heard += bytes.length;
      });
      await until('the server has done its part', () => heard > 0);
    }
    assert.equal(outcomes, []);
    dial();
    await until('the newcomer is through', () => outcomes.length === 2);
    assert.equal(outcomes, ['refused', 'through']);
    assert.is(sockets[0]!.destroyed, true);
    assert.equal([handshakes.figures().outcomes.refused, handshakes.figures().outcomes.full], [1, 1]);
  },
);

test.run();
