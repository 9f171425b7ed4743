/**
 * The case table of the protocol: a body, and what must be answered, written by hand. One table for the oracle and
 * both builds of the engine, at every split. Bodies are text (sent as UTF-8) or bytes.
 */
import type { WireErrorCode } from '../../src/errors.js';
import { idBytesMax, nestingLevelsMax } from '../../src/protocol/limits.js';

export interface Case {
  readonly name: string;
  readonly body: string | Uint8Array;
  readonly expect:
    | { readonly reply: string }
    | { readonly code: WireErrorCode; readonly id: string; readonly says: RegExp }
    | { readonly handout: { readonly op: string; readonly data: string | undefined; readonly timeoutMs?: number } };
}

const ok = (name: string, body: string, result: string, id = '"1"'): Case => ({
  name,
  body,
  expect: { reply: `{"id":${id},"ok":true,"result":${result}}` },
});
const fault = (name: string, body: string | Uint8Array, code: WireErrorCode, id: string, says: RegExp): Case => ({
  name,
  body,
  expect: { code, id, says },
});
const badJson = (name: string, body: string | Uint8Array, says = /byte \d+/) =>
  fault(name, body, 'BAD_JSON', 'null', says);
const badRequest = (name: string, body: string, id: string, says: RegExp) => fault(name, body, 'BAD_REQUEST', id, says);
const handout = (name: string, body: string, op: string, data?: string, timeoutMs?: number): Case => ({
  name,
  body,
  expect: { handout: { op, data, ...(timeoutMs === undefined ? {} : { timeoutMs }) } },
});

const echo = (data: string, id = '"1"') => `{"id":${id},"op":"echo","data":${data}}`;
const upper = (data: string) => `{"id":"1","op":"upper","data":${data}}`;
const sum = (data: string) => `{"id":"1","op":"sum","data":${data}}`;

/** The bytes of a text in which each `<hex>` stands for raw bytes. */
export function raw(text: string): Uint8Array {
  const parts = text.split(/<((?:[0-9a-f]{2})+)>/);
  return Buffer.concat(parts.map((part, index) => Buffer.from(part, index % 2 === 1 ? 'hex' : 'utf8')));
}

/** Arrays in arrays, `levels` of them. */
export const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

const longestId = `"${'i'.repeat(idBytesMax)}"`;
const longestEscapedId = `"${'\\u0041'.repeat(42)}abcd"`;

const echoes: Case[] = [
  ok('echo gives the data back', echo('"hola"'), '"hola"'),
  ok('echo loses no digit', echo('12345678901234567890.10'), '12345678901234567890.10'),
  ok('echo keeps white space inside data', echo('[ 1 ,\t{ "a" : null } ]'), '[ 1 ,\t{ "a" : null } ]'),
  ok('white space around data is not part of it', echo(' \r\n\t true \n'), 'true'),
  ok('data that is absent is null', '{"id":"1","op":"echo"}', 'null'),
  ok('echo of an empty string', echo('""'), '""'),
  ok('echo of an empty object', echo('{}'), '{}'),
  ok('echo keeps escapes as they are written', echo('"\\u0041\\/\\n\\ud800"'), '"\\u0041\\/\\n\\ud800"'),
  ok('echo keeps twins inside data', echo('{"a":1,"a":2,"id":3,"id":4}'), '{"a":1,"a":2,"id":3,"id":4}'),
  ok('echo of a literal', echo('false'), 'false'),
  ok('echo of a negative zero', echo('-0'), '-0'),
  ok('echo of a number with everything', echo('-0.0e-0'), '-0.0e-0'),
  ok('brackets in strings do not count', echo('"]}[{\\"]"'), '"]}[{\\"]"'),
];

const envelopes: Case[] = [
  ok('members in another order', '{"data":[1],"op":"echo","id":"1"}', '[1]'),
  ok('names are compared after unescaping', '{"\\u0069d":"1","o\\u0070":"echo","d\\u0061ta":7}', '7'),
  ok('the operation is compared after unescaping', '{"id":"1","op":"\\u0065cho","data":7}', '7'),
  ok('an id comes back byte for byte', echo('0', '"\\u0041\\/x"'), '0', '"\\u0041\\/x"'),
  ok('an empty id is an id', echo('0', '""'), '0', '""'),
  ok('an id of the greatest length', echo('0', longestId), '0', longestId),
  ok('an id counts as written, escapes included', echo('0', longestEscapedId), '0', longestEscapedId),
  ok('white space everywhere', ' \t\r\n{ "id" : "1" , "op"\n:\t"echo" , "data" : 1 } \n', '1'),
  ok('other members are passed over', '{"x":{"id":[]},"id":"1","":0,"op":"echo","ID":2,"data":1}', '1'),
  ok('twins among other members are nobody’s concern', '{"x":1,"x":2,"id":"1","op":"echo"}', 'null'),
  ok('a budget is taken', '{"timeoutMs":0.5,"id":"1","op":"echo"}', 'null'),
  ok('a budget with an exponent is taken', '{"timeoutMs":1e3,"id":"1","op":"echo"}', 'null'),
  ok('a traceparent that does not parse is ignored', '{"traceparent":"?","id":"1","op":"echo"}', 'null'),
  ok('$ping takes anything', '{"id":"1","op":"$ping","data":[0]}', '{"pong":true}'),
  ok('$ping takes nothing', '{"id":"1","op":"$ping"}', '{"pong":true}'),
  badRequest('no members', '{}', 'null', /id/),
  badRequest('no id', '{"op":"echo"}', 'null', /id/),
  badRequest('no op', '{"id":"1"}', '"1"', /op/),
  badRequest('an id that is a number', '{"id":1,"op":"echo"}', 'null', /id/),
  badRequest('an id that is null', '{"id":null,"op":"echo"}', 'null', /id/),
  badRequest('an id that is too long', echo('0', `"${'i'.repeat(idBytesMax + 1)}"`), 'null', /id/),
  badRequest('an id too long by its escapes', echo('0', `"${'\\u0041'.repeat(43)}"`), 'null', /id/),
  badRequest('an op that is an object', '{"id":"1","op":{},"data":0}', '"1"', /op/),
  badRequest('data twice', '{"id":"1","op":"echo","data":1,"data":1}', '"1"', /twice|data/),
  badRequest('op twice', '{"id":"1","op":"echo","op":"echo"}', '"1"', /twice|op/),
  badRequest('op twice, once escaped', '{"id":"1","op":"echo","\\u006fp":"sum"}', '"1"', /twice|op/),
  badRequest('timeoutMs twice', '{"id":"1","op":"echo","timeoutMs":1,"timeoutMs":1}', '"1"', /twice|timeoutMs/),
  badRequest('traceparent twice', '{"id":"1","op":"echo","traceparent":"","traceparent":""}', '"1"', /twice|trace/),
  badRequest('timeoutMs of 0', '{"id":"1","op":"echo","timeoutMs":0}', '"1"', /timeoutMs/),
  badRequest('timeoutMs of 0.0e9', '{"id":"1","op":"echo","timeoutMs":0.0e9}', '"1"', /timeoutMs/),
  badRequest('timeoutMs below 0', '{"timeoutMs":-1,"id":"1","op":"echo"}', '"1"', /timeoutMs/),
  badRequest('timeoutMs as a string', '{"id":"1","op":"echo","timeoutMs":"5"}', '"1"', /timeoutMs/),
  badRequest('timeoutMs of null', '{"id":"1","op":"echo","timeoutMs":null}', '"1"', /timeoutMs/),
  badRequest('a traceparent that is no string', '{"id":"1","op":"echo","traceparent":1}', '"1"', /traceparent/),
];

const handouts: Case[] = [
  handout('an unknown operation is handed out', '{"id":"1","op":"word-count","data":"a b"}', '"word-count"', '"a b"'),
  handout('a handout without data', '{"id":"1","op":"x"}', '"x"'),
  handout('a handout with a budget', '{"id":"1","op":"x","timeoutMs":250,"data": [1] }', '"x"', '[1]', 250),
  handout('control operations are the host’s', '{"id":"1","op":"$ops"}', '"$ops"'),
  handout('$cancel is the host’s', '{"id":"1","op":"$cancel","data":{"id":"0"}}', '"$cancel"', '{"id":"0"}'),
  handout('names are compared by case', '{"id":"1","op":"Echo"}', '"Echo"'),
  handout('a prefix is not a name', '{"id":"1","op":"echoes"}', '"echoes"'),
  handout('an empty operation', '{"id":"1","op":""}', '""'),
  handout('the op token keeps its escapes', '{"id":"1","op":"\\u0078"}', '"\\u0078"'),
  handout('an escape is more than its letter', '{"id":"1","op":"\\u0165cho"}', '"\\u0165cho"'),
];

const grammar: Case[] = [
  badJson('an empty body', ''),
  badJson('white space only', ' \n'),
  badJson('an array', '[]'),
  badJson('a string', '"id"'),
  badJson('a number', '1'),
  badJson('an object that does not end', '{"id":"1","op":"echo"'),
  badJson('a string that does not end', '{"id":"1'),
  badJson('a body that ends in an escape', '{"id":"\\'),
  badJson('something behind the object', '{"id":"1","op":"echo"}{}', /byte 22/),
  badJson('a zero byte behind the object', '{"id":"1","op":"echo"}\0', /byte 22/),
  badJson('a comma before the end', '{"id":"1","op":"echo",}'),
  badJson('a comma too many', '{"id":"1",,"op":"echo"}'),
  badJson('no colon', '{"id" "1","op":"echo"}'),
  badJson('a name without quotes', '{id:"1","op":"echo"}', /byte 1\b/),
  badJson('a control character in a string', '{"id":"\u0001","op":"echo"}'),
  badJson('a line feed in a string', echo('"a\nb"')),
  badJson('an escape that is none', echo('"\\x"')),
  badJson('an escape of three digits', echo('"\\u12g4"')),
  badJson('a leading zero', echo('01')),
  badJson('a leading plus', echo('+1')),
  badJson('a point without digits', echo('1.')),
  badJson('a point in front', echo('.5')),
  badJson('an exponent without digits', echo('1e')),
  badJson('a sign alone', echo('-')),
  badJson('NaN', echo('NaN')),
  badJson('a word that is none', echo('nul')),
  badJson('a word too long', echo('nulll')),
  badJson('a word in capitals', echo('True')),
  badJson('a comma before a bracket', echo('[1,]')),
  badJson('a bracket closed by a brace', echo('[1}')),
  badJson('no data behind the colon', echo('')),
  badJson('a comment', echo('/**/1')),
  badJson('single quotes', echo("'a'")),
  badJson('white space that is none: a no-break space', echo('\u00a01')),
  badJson('a byte order mark', '\ufeff{"id":"1","op":"echo"}', /byte 0/),
  badJson('a fault of grammar outranks one of the request', '{"id":1,"op":2,"data":tru}'),
  badJson('a fault behind a sum', '{"id":"1","op":"sum","data":[1,2],"x":}'),
  badJson('a fault inside a sum', sum('[1,2,]')),
  badJson('a fault inside a sum of wrong things', sum('["a",tru]')),
  badJson('a fault in a member that is passed over', '{"id":"1","op":"echo","x":[1 2]}'),
];

const encoding: Case[] = [
  ok('text of two, three and four bytes', echo('"ßあ𝄞"'), '"ßあ𝄞"'),
  ok('the last code point', echo('"\u{10ffff}"'), '"\u{10ffff}"'),
  ok('a noncharacter and a byte order mark inside', echo('"\uffff\ufeff"'), '"\uffff\ufeff"'),
  ok('DEL is no control character of JSON', echo('"\u007f"'), '"\u007f"'),
  badJson('a lone continuation byte', raw('{"id":"1","op":"echo","data":"<80>"}')),
  badJson('a lead byte without its followers', raw('{"id":"1","op":"echo","data":"<e2><82>"}')),
  badJson('an overlong slash', raw('{"id":"1","op":"echo","data":"<c0af>"}')),
  badJson('an overlong of three bytes', raw('{"id":"1","op":"echo","data":"<e09fbf>"}')),
  badJson('an overlong of four bytes', raw('{"id":"1","op":"echo","data":"<f08fbfbf>"}')),
  badJson('a surrogate as UTF-8', raw('{"id":"1","op":"echo","data":"<eda080>"}')),
  badJson('beyond the last code point', raw('{"id":"1","op":"echo","data":"<f4908080>"}')),
  badJson('a byte that never occurs', raw('{"id":"1","op":"echo","data":"<ff>"}')),
  badJson('bad UTF-8 in an id', raw('{"id":"<c3>","op":"echo"}')),
  badJson('bad UTF-8 in a name', raw('{"id":"1","op":"echo","<c3>":1}')),
  badJson('bad UTF-8 outside of strings', raw('{"id":"1","op":"echo"<c3a9>}')),
];

const depth: Case[] = [
  ok('nesting at the limit', echo(nested(nestingLevelsMax - 1)), nested(nestingLevelsMax - 1)),
  badJson('nesting over the limit', echo(nested(nestingLevelsMax))),
  badJson(
    'nesting over the limit in objects',
    echo(`${'{"a":'.repeat(nestingLevelsMax)}1${'}'.repeat(nestingLevelsMax)}`),
  ),
  badJson('nesting over the limit where nobody looks', `{"x":${nested(nestingLevelsMax)},"id":"1","op":"echo"}`),
];

const uppers: Case[] = [
  ok('upper of ASCII', upper('"hola, Mundo 42"'), '"HOLA, MUNDO 42"'),
  ok('upper grows text', upper('"straße ŉ"'), '"STRASSE ʼN"'),
  ok('upper of nothing', upper('""'), '""'),
  ok('upper of an astral letter', upper('"𐐨"'), '"𐐀"'),
  ok('a lone surrogate survives as an escape', upper('"a\\ud800b"'), '"A\\ud800B"'),
  fault('upper of a number', upper('1'), 'BAD_DATA', '"1"', /string/),
  fault('upper of an array', upper('["a"]'), 'BAD_DATA', '"1"', /string/),
  fault('upper of nothing at all', '{"id":"1","op":"upper"}', 'BAD_DATA', '"1"', /string/),
];

const sums: Case[] = [
  ok('sum of integers is visibly a float', sum('[1,2,3,4]'), '10.0'),
  ok('sum of nothing', sum('[]'), '0.0'),
  ok('sum with white space', sum('[ 1 ,\n2.5\t]'), '3.5'),
  ok('sum is exact', sum('[0.1, 0.2]'), '0.3'),
  ok('ten tenths are one', sum(`[${Array(10).fill('0.1').join()}]`), '1.0'),
  ok('sum may pass through infinity', sum('[1e308, 1e308, -1e308]'), '1e308'),
  ok('sum is never a negative zero', sum('[-0, -0.0]'), '0.0'),
  ok('what rounds to zero from below is zero', sum('[-1e-400]'), '0.0'),
  ok('sum cancels exactly', sum('[1e20, 1, -1e20]'), '1.0'),
  ok('a bit far below breaks a tie', sum('[9007199254740993, 1e-300]'), '9007199254740994.0'),
  ok('a tie goes to even', sum('[9007199254740993]'), '9007199254740992.0'),
  ok('sum keeps small numbers', sum('[5e-324]'), '5e-324'),
  ok('sum of a large number', sum('[123456789012345678901234567890]'), '1.2345678901234568e29'),
  ok('sum whose op comes behind its data', '{"data":[1,2],"op":"sum","id":"1"}', '3.0'),
  fault('sum of no array', sum('"1"'), 'BAD_DATA', '"1"', /array/),
  fault('sum of an object', sum('{}'), 'BAD_DATA', '"1"', /array/),
  fault('sum of nothing at all', '{"id":"1","op":"sum"}', 'BAD_DATA', '"1"', /array/),
  fault('sum with a string in it', sum('[1,"2"]'), 'BAD_DATA', '"1"', /index 1.*byte 3|byte 3.*index 1/),
  fault('sum with a null in it', sum('[ 1, 2, 3, null ]'), 'BAD_DATA', '"1"', /index 3.*byte 11|byte 11.*index 3/),
  fault('sum with an array in it', sum('[[1]]'), 'BAD_DATA', '"1"', /index 0.*byte 1|byte 1.*index 0/),
  fault('sum with a fault, data first', '{"data":[1,true],"op":"sum","id":"1"}', 'BAD_DATA', '"1"', /index 1.*byte 3/),
  fault('one number beyond all', sum('[1e400]'), 'OUT_OF_RANGE', '"1"', /index 0/),
  fault('one number beyond all, whatever the others', sum('[1e400,-1e400]'), 'OUT_OF_RANGE', '"1"', /index 0/),
  fault('a sum beyond all', sum('[1e308,1e308]'), 'OUT_OF_RANGE', '"1"', /./),
];

export const cases: readonly Case[] = [
  ...echoes,
  ...envelopes,
  ...handouts,
  ...grammar,
  ...encoding,
  ...depth,
  ...uppers,
  ...sums,
];

/** The body's bytes. */
export const bodyOf = ({ body }: Case): Uint8Array => (typeof body === 'string' ? Buffer.from(body) : body);
