import { certificateKey } from '../../acme/stored-certificate.ts';
import { listUnneeded } from '../../acme/unneeded-sets.ts';
import { listAcmeSets } from '../../app/acme-sets.ts';
import type { CertsContext } from './open-certificate-store.ts';
import { readListed } from './read-listed.ts';
import { renderJson } from './render-json.ts';
import { renderList } from './render-list.ts';
import { describeUnneeded, type ListedUnneeded, renderUnneeded } from './render-unneeded.ts';

/** `certs list`. The exit code is 1 when there is one that clients refuse, or none where one is needed. */
export async function listCertificates(context: CertsContext, json: boolean): Promise<void> {
  const { io, system, config } = context;
  const listed = await readListed(context);
  const unneeded = await readUnneeded(context);
  const now = system.now();
  // Where no CA is asked, nobody looks after what CAs gave.
  const swept = config.certificates === 'acme';
  if (json) {
    const described = unneeded.map((one) => describeUnneeded(one, swept));
    io.stdout(renderJson(listed, described, now));
  } else {
    io.stdout(renderList(listed, now, io.colour) + renderUnneeded(unneeded, { now, colour: io.colour, swept }));
  }
  if (listed.some(({ state }) => state !== 'good' && state !== 'expires-soon')) io.exitCode = 1;
}

async function readUnneeded({ config, store }: CertsContext): Promise<ListedUnneeded[]> {
  const needed = new Set(listAcmeSets(config).map(({ id }) => id));
  const found = await listUnneeded(store, needed);
  return found.map((one) => ({ ...one, where: store.where(certificateKey(one.setId)) }));
}
