import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AcmeGround, openAcmeGround } from '../harness/acme-ground.ts';
import { startServe } from '../harness/process.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';

const issuer = createScriptedIssuer();
let ground: AcmeGround;
beforeEach(async () => {
  ground = await openAcmeGround(issuer);
});
afterEach(() => ground.close());

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

it.each([
  ['one process', '', ''],
  ['several processes, of which another one may answer', 'processes: 2', ''],
  ['a proxy before it on the same machine', '', 'proxy_protocol_from: [127.0.0.0/8],'],
])('by a connection to itself, with %s, and nothing is wrong', async (_, more, listen) => {
  const at = `listen: { ${listen} https: "127.0.0.1:${await findFreePort()}"`;
  const yaml = ground.yaml('certs').replace('listen: { https: "127.0.0.1:0"', at);
  expect(yaml).toContain(at);
  const serve = await startServe(`log: { level: debug }\n${more}\n${yaml}`, ground.folder);
  try {
    await serve.logged(/^What is served is what is stored\.$/);
    expect(serve.log().filter(({ code }) => code === 'certificate-not-served')).toEqual([]);
  } finally {
    await serve.close();
  }
});
