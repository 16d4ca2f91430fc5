import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { acmeYaml, lookAtServed, validateWhere } from '../harness/acme-process.ts';
import { startDnsServer } from '../harness/dns-server.ts';
import { startScriptedCa } from '../harness/scripted-ca.ts';
import { startSeveral } from '../harness/several.ts';
import { until } from '../harness/until.ts';

const leftOver: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of leftOver) await end();
});

it('the challenge is answered by whichever process is asked, and all of them serve the one certificate', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'several-acme-'));
  // The order may be made before the ports are known here.
  const port = Promise.withResolvers<number>();
  const ca = await startScriptedCa({ validate: validateWhere(() => port.promise) });
  const dns = await startDnsServer((_name, type) => (type === 'A' ? [['A', '127.0.0.1']] : []));
  leftOver.push(ca.close, dns.close);
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, ca.caPem);
  const yaml = acmeYaml({ ca, caFile, resolver: dns.address }, 'certs');
  const serve = await startSeveral(`processes: 2\n${yaml}`, folder);
  leftOver.unshift(serve.close, () => rm(folder, { recursive: true, force: true }));
  port.resolve(serve.http);

  // As long as one of them serves another one, that is listed beside it.
  await until(
    'all serve it',
    async () => {
      const { certificates } = await serve.status();
      return certificates.length === 1 && certificates[0]!.level === 'ok';
    },
    40_000,
  );
  const shown = await Promise.all(Array.from({ length: 12 }, () => lookAtServed(serve.https)));
  expect(shown.map(({ bootstrap, der }) => !bootstrap && der.equals(shown[0]!.der))).not.toContain(false);
  expect(ca.count('new-order')).toBe(1);
  expect(ca.count('new-account')).toBe(1);
  // The one that orders knows when, whichever answers.
  await until(
    'when it is renewed is known',
    async () => (await serve.status()).certificates[0]?.next_attempt?.at !== null,
  );
  await serve.hangUp();
  expect((await lookAtServed(serve.https)).bootstrap).toBe(false);
  expect(ca.count('new-order')).toBe(1);
});
