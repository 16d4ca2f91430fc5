import { createSeededRandom } from '../../harness/seeded-random.ts';
import { pause } from '../../harness/until.ts';
import type { Span } from './act.ts';
import { ADDRESSES, type SoakGround } from './soak-ground.ts';

/** How often something happened. */
export type Happenings = Readonly<Record<string, number>>;

export interface Weather {
  readonly happened: Happenings;
  /** When the homeserver could not be reached, for all that is known here. */
  readonly outages: readonly Span[];
  /** Lets what is under way pass; everything is fine then. */
  calm(): Promise<void>;
}

interface Event {
  readonly name: string;
  /** Mean milliseconds from one to the next. */
  readonly every: number;
  /** The homeserver cannot be reached meanwhile. */
  readonly outage?: true;
  happen(): Promise<void>;
}

/**
 * What goes wrong around the requests, each kind by itself, all of them at once. The mean times are for a minute's run;
 * a longer one has the same.
 */
export function startWeather(ground: SoakGround, seed: number): Weather {
  const dice = createSeededRandom(seed + 2);
  const happened: Record<string, number> = {};
  const outages: Span[] = [];
  let over = false;
  let address = 0;
  let settings = { port: ground.port, requests: 'errors' as 'errors' | 'all', more: false };
  const reload = async (change: Partial<typeof settings>): Promise<void> => {
    settings = { ...settings, ...change };
    await ground.configure(settings);
    ground.sidecar.child.kill('SIGHUP');
  };

  const events: readonly Event[] = [
    {
      name: 'the homeserver is away for 1 to 5 s',
      every: 24_000,
      outage: true,
      async happen() {
        const ms = dice.between(1_000, 5_000);
        ground.tell({ do: 'go', ms });
        await pause(ms);
      },
    },
    {
      name: 'it comes back at another address',
      every: 45_000,
      outage: true,
      async happen() {
        address = (address + 1) % ADDRESSES.length;
        ground.tell({ do: 'move', address: ADDRESSES[address]! });
        await pause(dice.between(0, 800));
        ground.point(ADDRESSES[address]);
      },
    },
    {
      name: 'its name does not resolve for 1 to 4 s',
      every: 40_000,
      outage: true,
      async happen() {
        ground.point(undefined);
        if (dice.chance(0.5)) ground.tell({ do: 'drop' });
        await pause(dice.between(1_000, 4_000));
        ground.point(ADDRESSES[address]);
      },
    },
    {
      name: 'it says 503 for 1 to 3 s while it starts',
      every: 35_000,
      async happen() {
        const ms = dice.between(1_000, 3_000);
        ground.tell({ do: 'start', ms });
        await pause(ms);
      },
    },
    { name: 'SIGHUP, nothing changed', every: 20_000, happen: () => reload({}) },
    {
      name: 'SIGHUP, another log and another server',
      every: 20_000,
      happen: () => reload({ requests: settings.requests === 'all' ? 'errors' : 'all', more: !settings.more }),
    },
    {
      name: 'SIGHUP, another port',
      every: 40_000,
      happen: async () => reload({ port: await ground.openPort() }),
    },
    { name: 'another certificate', every: 17_000, happen: () => ground.renewCertificate() },
    {
      name: 'the disk of the log is full for 3 to 8 s',
      every: 30_000,
      async happen() {
        ground.disk.fill();
        await pause(dice.between(3_000, 8_000));
        ground.disk.makeRoom();
      },
    },
  ];

  const running = events.map(async ({ name, every, outage, happen }) => {
    for (;;) {
      const next = performance.now() + every * (0.4 + 1.2 * dice.fraction());
      while (performance.now() < next) {
        if (over) return;
        await pause(100);
      }
      happened[name] = (happened[name] ?? 0) + 1;
      const from = Date.now();
      await happen();
      if (outage) outages.push({ from, to: Date.now() });
    }
  });
  return {
    happened,
    outages,
    async calm() {
      over = true;
      await Promise.all(running);
    },
  };
}
