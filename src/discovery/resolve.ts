import { formatHostPort } from '../base/address.ts';
import type { ServerName } from '../matrix/server-name.ts';
import { applyConnectTo } from './connect-to.ts';
import { type DiscoveryDeps, type DiscoveryOptions, fetchWellKnown } from './fetch-well-known.ts';
import { orderSrvRecords } from './order-srv.ts';
import type { Destination, Resolution, SrvLookup, SrvRecord, Step, TraceEntry, WellKnownLookup } from './resolution.ts';

/** The port of federation where nobody names one. */
const FEDERATION_PORT = 8448;
/** More targets of one service than this are not looked at, best first. */
const MAX_TARGETS = 16;

/**
 * Where to find a server, by the steps of "Resolving server names" in the server-server API, each with the spec's
 * number. Asks anew each time. Never fails: what went wrong is in the lookups, and then there may be nowhere to go.
 * Rejects with the signal's reason only.
 *
 * Where Synapse (1.160) does otherwise than the steps say: it gives up when the DNS fails to answer an SRV question,
 * where this goes on as after a negative answer; and it takes an m.server that is no server name as it is, and fails, where
 * this goes on with step 4. Both can be told from the lookups.
 */
export async function resolve(
  serverName: ServerName,
  deps: DiscoveryDeps,
  options: DiscoveryOptions,
  signal: AbortSignal,
): Promise<Resolution> {
  const { names, system } = deps;
  const trace: TraceEntry[] = [];
  const srv: SrvLookup[] = [];
  let wellKnown: WellKnownLookup | undefined;
  const note = (step: Step, what: string, decided = false): void => void trace.push({ step, what, decided });

  async function finish(step: Step, meant: ServerName, places: readonly Place[]): Promise<Resolution> {
    const destinations = await Promise.all(
      places.map(async (place): Promise<Destination> => {
        const { host, port } = applyConnectTo(options.connectTo ?? [], place.host, place.port);
        const led = host !== place.host || port !== place.port;
        if (led) {
          const asked = formatHostPort(place.host, place.port);
          note(step, `As asked for, ${formatHostPort(host, port)} is connected to instead of ${asked}.`);
        }
        const addresses = await names.lookupHost(host, signal);
        return { host, port, addresses, ...(led ? { meant: place } : {}) };
      }),
    );
    return {
      serverName,
      step,
      destinations,
      hostHeader: meant.text,
      certificateName: meant.host,
      wellKnown,
      srv,
      trace,
    };
  }

  /** The two SRV lookups and the port that is left when neither has an answer: 3.3 to 3.5 or 4 to 6. */
  async function byService(meant: ServerName, [fed, legacy, fallback]: readonly [Step, Step, Step]) {
    for (const [step, prefix] of [
      [fed, '_matrix-fed._tcp'],
      [legacy, '_matrix._tcp'],
    ] as const) {
      const name = `${prefix}.${meant.host}`;
      const lookup = await names.lookupSrv(name, signal);
      srv.push(lookup);
      const { error, records } = lookup;
      if (records.length > 0) {
        const ordered = orderSrvRecords(records, () => system.randomBytes(4).readUInt32BE() / 2 ** 32);
        const { places, what } = readService(name, ordered);
        note(step, what, true);
        return finish(step, meant, places);
      }
      note(
        step,
        error === undefined ? `There is no SRV record ${name}.` : `The SRV lookup of ${name} failed: ${error}.`,
      );
    }
    note(fallback, `Nothing else is said, so it is ${meant.host}, port ${FEDERATION_PORT}.`, true);
    return finish(fallback, meant, [{ host: meant.host, port: FEDERATION_PORT }]);
  }

  /** Steps 1 and 2 for the server name, 3.1 and 3.2 for the name that it delegates to. */
  function byName(step: Step, meant: ServerName): Promise<Resolution> {
    const port = meant.port ?? FEDERATION_PORT;
    const what = meant.kind === 'dns' ? 'names a port' : 'is an IP address';
    note(step, `${meant.text} ${what}: port ${port} of ${meant.host}, nothing else is asked.`, true);
    return finish(step, meant, [{ host: meant.host, port }]);
  }

  if (serverName.kind !== 'dns') return byName('1', serverName);
  if (serverName.port !== undefined) return byName('2', serverName);
  wellKnown = await fetchWellKnown(serverName.host, deps, options, signal);
  const url = `https://${serverName.host}/.well-known/matrix/server`;
  if (!wellKnown.result.ok) {
    note('3', `No delegation by ${url}: ${wellKnown.result.words}.`);
    return byService(serverName, ['4', '5', '6']);
  }
  const { delegated } = wellKnown.result;
  note('3', `${url} delegates to ${delegated.text}.`);
  if (delegated.kind !== 'dns') return byName('3.1', delegated);
  if (delegated.port !== undefined) return byName('3.2', delegated);
  return byService(delegated, ['3.3', '3.4', '3.5']);
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Where the records of a service lead, best first, and a sentence on it. */
function readService(name: string, ordered: readonly SrvRecord[]): { places: readonly Place[]; what: string } {
  const offered = ordered.filter(({ target }) => target !== '.');
  if (offered.length === 0) return { places: [], what: `The SRV record ${name} says that there is no such service.` };
  const places = offered.slice(0, MAX_TARGETS).map(({ target, port }) => ({ host: target.toLowerCase(), port }));
  const shown = places.slice(0, 3).map(({ host, port }) => formatHostPort(host, port));
  const more = places.length > shown.length ? ` and ${places.length - shown.length} more` : '';
  const passed =
    offered.length > places.length ? ` The other ${offered.length - places.length} targets are passed over.` : '';
  return { places, what: `The SRV record ${name} leads to ${shown.join(', ')}${more}.${passed}` };
}
