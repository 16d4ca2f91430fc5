import { isPublicAddress } from '../base/public-address.ts';
import { isJsonObject } from '../matrix/json.ts';
import { SIDECAR_ROW } from './check-sidecar.ts';
import type { Deployment } from './deployment.ts';
import type { DoctorDeps } from './doctor-deps.ts';
import type { Row } from './row.ts';

/** Connections after which a single address is no coincidence. */
const ENOUGH = 20;

/** Whether clients come with addresses of their own, or all with that of a gateway. */
export function checkClients({ trustedProxies, listen }: Deployment, { status }: DoctorDeps): Row {
  return {
    id: 'clients',
    title: 'Clients come with addresses of their own',
    needs: [SIDECAR_ROW],
    hint: 'Look at /api/status of the admin listener.',
    run: async (signal) => {
      const clients = (await status(signal))?.['clients'];
      if (!isJsonObject(clients)) {
        const why = listen.admin.length === 0 ? 'listen.admin is off' : 'the admin listener cannot be asked from here';
        return { seen: '', findings: [], notChecked: why };
      }
      const { connections, distinct, only } = clients;
      const seen = `${String(connections)} connections from ${String(distinct)} addresses`;
      if (Number(connections) < ENOUGH && Number(distinct) < 2)
        return { seen, findings: [], notChecked: `there were only ${String(connections)} connections yet` };
      if (typeof only !== 'string' || isPublicAddress(only) || trustedProxies.contains(only))
        return { seen, findings: [] };
      const what = `All ${String(connections)} connections come from ${only.slice(0, 50)}: a gateway hides the addresses of the clients, and a ban or a limit for one hits all.`;
      const fix =
        'Give the container the network of the host (network_mode: host), or switch off userland-proxy of Docker; behind a load balancer, use its PROXY protocol.';
      const lines = [
        'listen:',
        `  proxy_protocol_from: [${only.slice(0, 50)}]   # if it is a load balancer that sends it`,
      ];
      return { seen, findings: [{ id: 'clients-one-address', severity: 'warning', what, fix, lines }] };
    },
  };
}
