import type { Finding } from '../base/finding.ts';
import type { System } from '../base/system.ts';
import { askPlain } from './ask-plain.ts';
import type { DeployedServer } from './deployment.ts';
import { describeAnswer } from './describe-plain.ts';
import type { Row } from './row.ts';

const LOGIN = '/_matrix/client/v3/login';
/** Client-server API 1.15, "Server metadata discovery"; Synapse has it only while it leaves logins to somebody else. */
const METADATA = '/_matrix/client/v1/auth_metadata';

/** Whether the authentication service answers logins, and Synapse leaves them to it; no row where there is none. */
export function checkMas(
  { name, homeserver, mas }: DeployedServer,
  { system }: { readonly system: System },
): readonly Row[] {
  if (mas === undefined) return [];
  return mas.instances.map((place, index) => ({
    id: `mas:${name.text}${index === 0 ? '' : `#${index + 1}`}`,
    title: `The authentication service of ${name.text} answers logins at ${place.text}`,
    needs: [],
    hint: `Check mas: ${place.text} in the configuration, and the log of the service.`,
    run: async (signal) => {
      const findings: Finding[] = [];
      const login = await askPlain(place, LOGIN, { system, signal });
      if (!login.ok) {
        findings.push({
          id: 'mas-unreachable',
          severity: 'error',
          what: `The authentication service does not answer at ${place.text}: ${login.words}.`,
          fix: 'Start it, or correct mas in the configuration of the sidecar.',
        });
      } else if (login.status !== 200) {
        findings.push({
          id: 'mas-no-compat',
          severity: 'error',
          what: `What answers at ${place.text} takes no logins: ${describeAnswer(login)} to ${LOGIN}.`,
          fix: "Give that listener the resource compat in the service's configuration.",
          lines: ['http:', '  listeners:', '    - resources: [{ name: compat }]'],
        });
      }
      const main = homeserver.instances[0];
      const metadata = await askPlain(main, METADATA, { system, signal });
      if (metadata.ok && metadata.status === 404) {
        findings.push({
          id: 'mas-not-in-homeserver',
          severity: 'error',
          what: `The homeserver at ${main.text} logs people in itself (404 to ${METADATA}): tokens of the authentication service mean nothing to it.`,
          fix: "Add this to Synapse's configuration, with the service's address for Synapse and their common secret.",
          lines: [
            'matrix_authentication_service:',
            '  enabled: true',
            `  endpoint: ${place.text}/`,
            '  secret_path: FILE',
          ],
        });
      }
      return { seen: describeAnswer(login), findings };
    },
  }));
}
