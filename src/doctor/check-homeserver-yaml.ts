import { lintHomeserver } from '../synapse/lint.ts';
import { nameListener } from '../synapse/listener.ts';
import type { DeployedServer } from './deployment.ts';
import type { Row } from './row.ts';

/** Synapse's configuration, read and compared with the sidecar's. */
export function checkHomeserverYaml({ name, synapse, facts }: DeployedServer): Row {
  return {
    id: `homeserver-yaml:${name.text}`,
    title: `Synapse of ${name.text} is configured for the sidecar`,
    needs: [],
    hint: 'Please report it.',
    run: async () => {
      if (synapse === undefined) {
        const notChecked =
          'it is not known where homeserver.yaml is (set homeserver_yaml, or give --homeserver-yaml FILE)';
        return { seen: '', findings: [], notChecked };
      }
      const { yaml } = synapse;
      const seen =
        yaml === undefined
          ? 'it could not be read'
          : `${yaml.files.join(', ')}: ${yaml.serverName}, ${yaml.listeners.map(nameListener).join(' and ') || 'no listener'}`;
      return { seen, findings: lintHomeserver(synapse, facts) };
    },
  };
}
