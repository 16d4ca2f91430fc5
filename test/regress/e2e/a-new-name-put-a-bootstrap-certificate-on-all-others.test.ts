import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AcmeGround, openAcmeGround, untilLogged, untilReal } from '../../harness/acme-ground.ts';
import { lookAtServed } from '../../harness/acme-process.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { until } from '../../harness/until.ts';

// A set of names has one certificate, so that one name more makes another set, which has none yet. Its bootstrap certificate
// was served for all of its names until the CA had signed, though the store had a good one for all but the new name.

let ground: AcmeGround;
beforeAll(async () => {
  ground = await openAcmeGround();
});
afterAll(() => ground.close());

it('what the store has for the old names is served for them until there is one for all', async () => {
  const store = `${ground.folder}/store`;
  const first = await ground.start(store);
  const before = await untilReal(first);
  await first.close();
  const yaml = ground.yaml(store).replace('matrix.example.test:443', 'other.example.test:443');
  expect(yaml).not.toBe(ground.yaml(store));
  const down = yaml.replace(ground.ca.directoryUrl, ground.ca.directoryUrl.replace(/:\d+\//, ':9/'));
  const second = await startTestSidecar(down, { folder: ground.folder, system: ground.system });
  try {
    await untilLogged(second, /^Certificates from before are served/);
    expect(await lookAtServed(second.https, 'example.test')).toEqual(before);
    expect((await lookAtServed(second.https, 'other.example.test')).bootstrap).toBe(true);
    await second.reload(yaml);
    const other = () => lookAtServed(second.https, 'other.example.test');
    await until('one for all names', async () => !(await other()).bootstrap);
    expect(await lookAtServed(second.https, 'example.test')).toEqual(await other());
    expect(ground.ca.orders.issued).toHaveLength(2);
  } finally {
    await second.close();
  }
});
