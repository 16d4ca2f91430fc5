import type { JsonObject } from '../matrix/json.ts';
import { askStatus } from './ask-status.ts';
import { checkApex } from './check-apex.ts';
import { checkCertificates, checkServedCertificates } from './check-certificates.ts';
import { checkClients } from './check-clients.ts';
import { checkFederation } from './check-federation.ts';
import { checkHomeservers } from './check-homeserver.ts';
import { checkHomeserverYaml } from './check-homeserver-yaml.ts';
import { checkMas } from './check-mas.ts';
import { checkName } from './check-names.ts';
import { checkPath } from './check-path.ts';
import { checkReach, type Reached } from './check-reach.ts';
import { checkRtcServices } from './check-rtc-services.ts';
import { checkRtcWay } from './check-rtc-way.ts';
import { checkSidecar } from './check-sidecar.ts';
import { checkWorkers } from './check-workers.ts';
import { type Deployment, listPublicPlaces } from './deployment.ts';
import type { DoctorDeps } from './doctor-deps.ts';
import type { Row } from './row.ts';
import { createFindWhereabouts } from './whereabouts.ts';

/** Everything to be looked at, in an order in which what is found first explains what is found later. */
export function listRows(deployment: Deployment, deps: DoctorDeps): readonly Row[] {
  const { servers } = deployment;
  const places = listPublicPlaces(deployment);
  const find = createFindWhereabouts(deps.names, deps.connectTo);
  const reached: Reached = new Map();
  const hosts = [...new Set(places.filter(({ kind }) => kind === 'dns').map(({ host }) => host))];
  return [
    ...servers.map(checkHomeserverYaml),
    ...servers.flatMap((server) => checkHomeservers(server, deps)),
    ...servers.flatMap((server) => checkWorkers(server, deps)),
    ...servers.flatMap((server) => checkMas(server, deps)),
    ...servers.flatMap((server) => checkRtcServices(server, deps)),
    checkSidecar(deployment, deps),
    checkCertificates(deps),
    checkServedCertificates(deployment, deps),
    checkClients(deployment, deps),
    ...hosts.map((host) =>
      checkName(
        host,
        places.filter((place) => place.host === host),
        deployment,
        find,
      ),
    ),
    ...places.flatMap((place) => [checkReach(place, find, reached, deps), checkPath(place, reached, deps)]),
    ...servers.flatMap((server) => checkRtcWay(server, deployment, reached, deps) ?? []),
    ...servers
      .filter(({ apex, name }) => apex === 'elsewhere' && name.kind === 'dns' && name.port === undefined)
      .map((server) => checkApex(server, find, deps)),
    ...servers.map((server) => checkFederation(server, { reach: deployment.reach, places, reached }, deps)),
  ];
}

/** Asks the running sidecar at its admin listener how it is; once, however many ask. */
export function createStatus(
  { listen }: Pick<Deployment, 'listen'>,
  { system }: Pick<DoctorDeps, 'system'>,
): DoctorDeps['status'] {
  let asked: Promise<JsonObject | undefined> | undefined;
  const admin = listen.admin[0];
  async function ask(signal: AbortSignal): Promise<JsonObject | undefined> {
    if (admin === undefined) return undefined;
    const answer = await askStatus(admin, { system, signal });
    return answer.ok ? answer.status : undefined;
  }
  return (signal) => {
    asked ??= ask(signal).catch(() => undefined);
    return asked;
  };
}
