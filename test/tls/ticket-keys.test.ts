import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { createCertificateSet } from '../../src/tls/certificate-set.ts';
import { createTicketKeys, TICKET_KEY_LIFETIME } from '../../src/tls/ticket-keys.ts';
import { shake, startServer, type TestServer } from './handshake.ts';
import { makeCertificate, read } from './make-certificate.ts';
import { createManualSystem } from './manual-system.ts';

const running: TestServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

it('keys are 48 random bytes, and others after every rotation', async () => {
  const system = createManualSystem();
  const keys = createTicketKeys({ rotateEvery: TICKET_KEY_LIFETIME }, { system });
  const seen = [keys.current()];
  keys.onRotate((next) => seen.push(next));
  await system.advance(TICKET_KEY_LIFETIME - 1);
  expect(seen).toHaveLength(1);
  await system.advance(1);
  await system.advance(2 * TICKET_KEY_LIFETIME);
  expect(seen).toHaveLength(4);
  expect(new Set(seen.map((one) => one.toString('hex'))).size).toBe(4);
  expect(seen.every(({ length }) => length === 48)).toBe(true);
  expect(keys.current()).toBe(seen[3]);
  keys.close();
});

it('nothing is called after it was unsubscribed or closed, and closing twice is fine', async () => {
  const system = createManualSystem();
  const keys = createTicketKeys({ rotateEvery: 1000 }, { system });
  let calls = 0;
  const stop = keys.onRotate(() => {
    calls += 1;
  });
  await system.advance(1000);
  stop();
  await system.advance(1000);
  expect(calls).toBe(1);
  keys.close();
  keys.close();
  expect(system.pending()).toBe(0);
});

it('a session of one listener is resumed by another, and after a rotation by none, with a full handshake', async () => {
  const system = createManualSystem();
  const keys = createTicketKeys({ rotateEvery: 1000 }, { system });
  const certificate = read(makeCertificate({ names: ['x.test'] }));
  const set = createCertificateSet([certificate]);
  for (let count = 0; count < 2; count += 1) running.push(await startServer(() => set, { ticketKeys: keys.current() }));
  for (const { server } of running) keys.onRotate((next) => server.setTicketKeys(next));
  const [first, second] = running.map(({ port }) => port) as [number, number];

  const trust = { servername: 'x.test', ca: certificate.chainPem };
  const socket = await shake(first, trust);
  const ticket = once(socket, 'session');
  socket.write('x');
  const [session] = (await ticket) as [Buffer];
  socket.destroy();
  const again = await shake(second, { ...trust, session });
  expect(again.isSessionReused()).toBe(true);
  again.destroy();

  await system.advance(1000);
  const fresh = await shake(second, { ...trust, session });
  expect(fresh.isSessionReused()).toBe(false);
  fresh.destroy();
  keys.close();
});
