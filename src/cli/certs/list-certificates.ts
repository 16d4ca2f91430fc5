import type { CertsContext } from './open-certificate-store.ts';
import { readListed } from './read-listed.ts';
import { renderJson } from './render-json.ts';
import { renderList } from './render-list.ts';

/** `certs list`. The exit code is 1 when there is one that clients refuse, or none where one is needed. */
export async function listCertificates(context: CertsContext, json: boolean): Promise<void> {
  const { io, system } = context;
  const listed = await readListed(context);
  io.stdout(json ? renderJson(listed, system.now()) : renderList(listed, system.now(), io.colour));
  if (listed.some(({ state }) => state !== 'good' && state !== 'expires-soon')) io.exitCode = 1;
}
