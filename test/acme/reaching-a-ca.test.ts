import type { AddressInfo } from 'node:net';
import { createServer as createPlainServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createCa } from '../../src/acme/ca.ts';
import { AcmeProblem } from '../../src/acme/problem.ts';
import { SidecarError } from '../../src/base/errors.ts';
import { realSystem, type System } from '../../src/base/system.ts';
import { VERSION } from '../../src/base/version.ts';
import type { Fault } from '../harness/scripted-ca.ts';
import type { Answer } from '../harness/scripted-rules.ts';
import { hurriedSystem } from '../tls/hurried-system.ts';
import { makeCertificate } from '../tls/make-certificate.ts';
import { createRecordingLog } from '../tls/recording-log.ts';
import { createMemoryStore, failureOf, NEVER, withCa } from './open-ca.ts';

function caAt(directoryUrl: string, caFile?: string, system: System = hurriedSystem) {
  const deps = { system, store: createMemoryStore(), log: createRecordingLog() };
  return createCa({ directoryUrl, caFile, termsAgreed: true }, deps);
}

async function problemOf(work: Promise<unknown>): Promise<AcmeProblem> {
  const error = await failureOf(work);
  expect(error).toBeInstanceOf(AcmeProblem);
  return error as AcmeProblem;
}

describe('a CA that cannot be reached', () => {
  it('is said to refuse the connection, with the cause kept', async () => {
    const server = createPlainServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const ca = caAt(`https://127.0.0.1:${port}/dir`);
    const error = await problemOf(ca.directory(NEVER));
    expect(error.message).toMatch(`The CA at 127.0.0.1:${port} cannot be reached: the connection is refused`);
    expect(error).toMatchObject({ code: 'acme-unreachable', problem: { status: 0, type: 'unreachable' } });
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
    await ca.close();
  });

  it('is said to have a name that does not resolve', async () => {
    const ca = caAt('https://no-such-name.invalid/dir');
    const error = await problemOf(ca.directory(NEVER));
    expect(error.message).toMatch(/its name does not resolve \((ENOTFOUND|EAI_AGAIN)\)/);
    await ca.close();
  });

  it('is said not to be trusted, and which key to set', async () => {
    await withCa(async ({ scripted }) => {
      for (const caFile of [undefined, makeCertificate({ ca: true }).certPem]) {
        const ca = caAt(scripted.directoryUrl, caFile);
        const error = await problemOf(ca.directory(NEVER));
        expect(error.message).toMatch(/its TLS certificate is not trusted \([A-Z_]+\): set acme\.ca_file/);
        expect(error.problem).toMatchObject({ status: 0, type: 'untrusted' });
        await ca.close();
      }
      expect(scripted.seen).toEqual([]);
    });
  });

  it('is said to have a certificate for another name', async () => {
    await withCa(async ({ scripted }) => {
      const system: System = {
        ...hurriedSystem,
        dial: () => realSystem.dial({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }),
      };
      const ca = caAt('https://other.test/dir', scripted.caPem, system);
      expect((await problemOf(ca.directory(NEVER))).message).toMatch('its TLS certificate is for another name');
      await ca.close();
    });
  });

  it('is reached at an address, and trusted there by its address', async () => {
    await withCa(async ({ scripted }) => {
      const ca = caAt(`https://127.0.0.1:${scripted.port}/dir`, scripted.caPem);
      expect((await ca.directory(NEVER)).newOrder).toBe(`https://localhost:${scripted.port}/new-order`);
      await ca.close();
    });
  });

  it('has its own trust: another one, made later, does not share it', async () => {
    await withCa(async ({ scripted, ca }) => {
      await ca.directory(NEVER);
      const stranger = caAt(scripted.directoryUrl);
      expect((await problemOf(stranger.directory(NEVER))).problem.type).toBe('untrusted');
      await stranger.close();
    });
  });

  it.each(['', 'no PEM', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'cannot be trusted by a ca_file with %j in it',
    (caFile) => {
      expect(() => caAt('https://localhost/dir', caFile)).toThrow(SidecarError);
      expect(() => caAt('https://localhost/dir', caFile)).toThrow(/^The file acme\.ca_file cannot be used: /);
    },
  );
});

describe('an answer of a CA', () => {
  const bad: readonly (readonly [string, Fault, string, string])[] = [
    ['never comes', 'hang', 'timeout', 'no whole answer within 30 seconds'],
    ['is cut off', 'cut-in-the-middle', 'connection-cut', 'it closed the connection in the middle of a request'],
    [
      'is huge',
      { answer: { status: 200, body: 'x'.repeat(1024 * 1024 + 1) } },
      'malformed-answer',
      'more than 1048576 bytes',
    ],
    [
      'lacks a URL',
      { answer: { status: 200, body: { newNonce: 'https://a.test/' } } },
      'malformed-answer',
      'newAccount is no text',
    ],
    [
      'has plain http in it',
      { answer: { status: 200, body: { newNonce: 'http://a.test/' } } },
      'malformed-answer',
      'newNonce is no https URL',
    ],
    [
      'redirects to plain http',
      { answer: { status: 302, headers: { location: 'http://a.test/' } } },
      'malformed-answer',
      'no https URL',
    ],
    [
      'redirects for ever',
      { rewrite: () => ({ status: 307, headers: { location: '/dir' } }) },
      'malformed-answer',
      'on and on',
    ],
  ];
  it.each(bad)('that %s is a problem of its own kind', async (_, fault, type, detail) => {
    await withCa(async ({ scripted, ca }) => {
      scripted.script('directory', fault, fault, fault, fault, fault);
      const error = await problemOf(ca.directory(NEVER));
      expect(error.problem.type).toBe(type);
      expect(error.message).toContain(detail);
      expect(error.message).toContain(`The CA at localhost:${scripted.port} `);
    });
  });

  const html = { 'content-type': 'text/html' };
  const malformed = { type: 'urn:ietf:params:acme:error:malformed', detail: 'Page not found', status: 404 };
  it.each<[string, Answer, string]>([
    ['a page that is not there', { status: 404, headers: html, body: '<html>' }, 'the HTTP status 404'],
    ["the CA's own words for that", { status: 404, body: malformed }, 'the HTTP status 404'],
    ['a refusal without words', { status: 403, headers: html, body: 'Forbidden' }, 'the HTTP status 403'],
    ['a web page', { status: 200, headers: html, body: '<p>Welcome to nginx' }, 'a web page'],
    ['what looks like one', { status: 200, body: '\n<!DOCTYPE html>' }, 'a web page'],
    ['nothing', { status: 200, body: '' }, 'what is no JSON object'],
    ['a list', { status: 200, body: [] }, 'what is no JSON object'],
    ['another document', { status: 200, body: { keys: [] } }, 'another document, without newNonce'],
  ])('that is %s where a directory should be names the URL, and the key to correct', async (_, answer, words) => {
    await withCa(async ({ scripted, ca }) => {
      scripted.script('directory', { answer });
      const error = await problemOf(ca.directory(NEVER));
      expect(error.problem.type).toBe('no-directory');
      expect(error.message).toBe(
        `The CA at localhost:${scripted.port} has no ACME directory where the configuration has it: ${scripted.directoryUrl} answers with ${words}${words.startsWith('another') ? ', newAccount and newOrder' : ''}`,
      );
      expect(error.hint).toContain('Set acme.directory (acme.fallback.directory for the second CA) to the URL');
    });
  });

  it.each<[string, Answer]>([
    ['out of order', { status: 503, headers: html, body: '<html>' }],
    ['busy', { status: 429 }],
    ['refusing with words of its own', { status: 403, body: { ...malformed, detail: 'Your network is blocked' } }],
  ])('of a CA that is %s is not taken for a wrong URL', async (_, answer) => {
    await withCa(async ({ scripted, ca }) => {
      scripted.script('directory', ...Array.from({ length: 9 }, () => ({ answer })));
      const error = await problemOf(ca.directory(NEVER));
      expect(error.message).toMatch(/refused its directory: /);
      expect(error.hint).toBeUndefined();
    });
  });

  it('is followed where a directory has moved', async () => {
    await withCa(async ({ scripted, ca }) => {
      scripted.script('directory', { answer: { status: 308, headers: { location: '/dir/moved' } } });
      expect((await ca.directory(NEVER)).newNonce).toContain('/nonce');
    });
  });

  it('is asked for with a name and a version, and never through a proxy of the environment', async () => {
    const before = { ...process.env };
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'ALL_PROXY'])
      process.env[name] = 'http://127.0.0.1:9';
    try {
      await withCa(async ({ scripted, ca }) => {
        await ca.account(NEVER);
        expect(new Set(scripted.seen.map(({ headers }) => headers['user-agent']))).toEqual(
          new Set([`matrix-sidecar/${VERSION}`]),
        );
      });
    } finally {
      process.env = before;
    }
  });

  it('is kept for an hour when it is the directory', async () => {
    let hours = 0;
    const system: System = { ...realSystem, monotonic: () => realSystem.monotonic() + hours * 3_600_000 };
    await withCa(async ({ scripted, again }) => {
      const ca = again({}, system);
      await ca.directory(NEVER);
      hours = 0.9;
      await ca.directory(NEVER);
      expect(scripted.count('directory')).toBe(1);
      hours = 1.1;
      await ca.directory(NEVER);
      expect(scripted.count('directory')).toBe(2);
    });
  });
});
