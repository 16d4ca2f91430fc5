import type { Finding } from '../base/finding.ts';
import { VERSION } from '../base/version.ts';
import { isJsonObject, type JsonObject } from '../matrix/json.ts';
import type { DeployedServer, Deployment } from './deployment.ts';

/** What the running sidecar says of itself at /api/status against what the configuration says now. Pure. */
export function compareWithRunning(status: JsonObject, deployment: Deployment): readonly Finding[] {
  const version = readText(status['version']) ?? VERSION;
  const older = findOlder(status, deployment, version);
  const found: Finding[] =
    older === undefined
      ? []
      : [
          {
            id: 'sidecar-old-config',
            severity: 'warning',
            what: `The running sidecar has another configuration than the one that was read: ${older}.`,
            fix: 'Reload the sidecar (SIGHUP), or restart it where the configuration is in the environment.',
            lines: ['docker compose kill -s HUP sidecar'],
          },
        ];
  if (version !== VERSION) {
    const what = `The running sidecar is version ${version.slice(0, 40)}, and this command is ${VERSION}.`;
    found.push({ id: 'sidecar-old-version', severity: 'info', what, fix: 'Restart the sidecar to have the same.' });
  }
  return found;
}

/** How the two differ, a clause: by a server if one does, else by anything else that is written there. */
function findOlder(status: JsonObject, { servers, digest }: Deployment, version: string): string | undefined {
  const list = status['servers'];
  const running = Array.isArray(list) ? list.filter(isJsonObject) : [];
  const inForce = running.map((one) => describe(one['server_name'], one['homeserver'], one['delegate_to']));
  const wanted = servers.map((one) => describe(one.name.text, one.homeserver.text, one.delegateTo?.text));
  const only = wanted.find((one) => !inForce.includes(one)) ?? inForce.find((one) => !wanted.includes(one));
  if (only !== undefined) return `${only} is not in both`;
  for (const server of servers) {
    const same = running.find((one) => one['server_name'] === server.name.text);
    const differs = same === undefined ? undefined : compareServer(same, server);
    if (differs !== undefined) return differs;
  }
  // Releases may write down the same in different ways.
  const theirs = readText(status['config_digest']);
  if (version !== VERSION || theirs === undefined || theirs === digest) return undefined;
  return 'the servers are the same, and something else is not ("matrix-sidecar config show" prints what was read)';
}

/** What is null or missing there says nothing: an older release does not tell, and without a delegation there is no way. */
function compareServer(running: JsonObject, { name, delegateBy, apex }: DeployedServer): string | undefined {
  const wanted = { delegate_by: delegateBy, apex };
  for (const [key, here] of Object.entries(wanted)) {
    const there = readText(running[key]);
    if (there !== undefined && there !== here)
      return `for ${name.text} it has "${key}: ${there.slice(0, 40)}" and not "${key}: ${here}"`;
  }
  return undefined;
}

function describe(name: unknown, homeserver: unknown, to: unknown): string {
  return `${String(name)} at ${String(homeserver)}${typeof to === 'string' ? ` delegated to ${to}` : ''}`;
}

function readText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
