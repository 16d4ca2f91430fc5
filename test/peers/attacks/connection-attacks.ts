import { type Assault, keepAt, openTcp, openTls, sourceAddress } from './assault.ts';

/** TLS connections on which no request is made, as many as there can be, each from an address of its own. */
export async function idleTls(assault: Assault): Promise<void> {
  await occupy(assault, (number) => openTls(assault, sourceAddress(number)));
}

/** 20,000 TCP connections that are kept, each from an address of its own. */
export async function idleTcp(assault: Assault): Promise<void> {
  await occupy(assault, (number) => openTcp(assault, sourceAddress(number)));
}

/** The same from one address. */
export async function idleFromOne(assault: Assault): Promise<void> {
  await occupy(assault, () => openTcp(assault, sourceAddress(0)));
}

const MOST = 20_000;

async function occupy(assault: Assault, open: (number: number) => Promise<unknown>): Promise<void> {
  let begun = 0;
  await keepAt(assault, 32, async () => {
    if (begun < MOST) await open(begun++);
    else await assault.ended;
  });
}

/** Connections that are opened and closed. */
export async function churn(assault: Assault): Promise<void> {
  await keepAt(assault, 64, async (lane) => {
    const line = await openTcp(assault, sourceAddress(lane));
    line?.socket.resetAndDestroy();
  });
}
