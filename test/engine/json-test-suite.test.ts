import * as assert from 'uvu/assert';
import { faultOf } from '../reference/compare.js';
import { expectBody } from '../reference/decoder.js';
import { builds } from '../support/engines.js';
import { answerWhole } from '../support/stream.js';
import { suite } from '../support/suite.js';
import { asEcho, suiteCases } from '../vectors/json-test-suite.js';

const test = suite('engine: JSONTestSuite');

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function takes(text: Uint8Array): boolean {
  try {
    JSON.parse(utf8.decode(text));
    return true;
  } catch {
    return false;
  }
}

const replyTo = (text: string) => `{"id":"1","ok":true,"result":${text}}`;

for (const { name: build, engine } of builds) {
  for (const { name, kind, text } of suiteCases) {
    test(`${build}: ${name}`, () => {
      const body = asEcho(text);
      const answer = answerWhole(engine, body);
      assert.is(answer.kind, 'reply');
      const reply = answer.kind === 'reply' ? Buffer.from(answer.body).toString('latin1') : '';
      const taken = kind === 'y' || (kind === 'i' && takes(body));
      if (taken)
        assert.is(
          reply,
          replyTo(
            Buffer.from(text)
              .toString('latin1')
              .replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''),
          ),
        );
      else assert.match(reply, /^\{"id":null,"ok":false,"error":".+","code":"BAD_JSON"\}$/);
      assert.is(faultOf(answer, expectBody(body)), undefined);

      const place = engine.check(text);
      assert.is(place === -1, taken, `check() says ${place}`);
      if (!taken) assert.ok(place >= 0 && place <= text.length, `the place ${place} is in the text`);
    });
  }
}

test.run();
