import { setTimeout as delay } from 'node:timers/promises';
import { type Random, randomFrom } from '../../examples/shop/random.ts';
import { cutConnections } from '../support/cutConnections.ts';
import { type Journal, Session } from './application.ts';
import { drawTrouble, GOOD_DAY, type Trouble } from './faults.ts';
import type { Fleet } from './fleet.ts';
import type { SoakedShop } from './shop.ts';
import { type Action, drawAction, drawTransaction } from './traffic.ts';

/** What chaos did, and what is left to be seen to. */
export type Havoc = {
  troubles: Map<string, number>;
  /** HubSpot's ids of records deleted there by hand. */
  deleted: { type: string; id: string; at: number }[];
  cutConnections: number;
};

export type Ground = {
  shop: SoakedShop;
  fleet: Fleet;
  journal: Journal;
  leaseMs: number;
  concerns: (text: string) => void;
};

/** How far the lanes' seeds lie apart. */
const LANE = 7_919;

/**
 * Everything at once for so long. Each lane draws what it does, and when, from the seed alone; what comes of it is
 * another matter, since the lanes run side by side.
 */
export async function wreak(ground: Ground, seed: number, forMs: number): Promise<Havoc> {
  const havoc: Havoc = { troubles: new Map(), deleted: [], cutConnections: 0 };
  const end = Date.now() + forMs;
  const lane = (n: number, work: (random: Random, isOver: () => boolean) => Promise<void>) =>
    work(randomFrom(seed * LANE + n), () => Date.now() >= end);
  await Promise.all([
    lane(1, (random, isOver) => write(ground, 'quick', random, isOver, drawAction, [20, 250])),
    lane(2, (random, isOver) => write(ground, 'other', random, isOver, drawAction, [100, 900])),
    lane(3, (random, isOver) => write(ground, 'slow', random, isOver, drawTransaction, [100, 2_000])),
    lane(4, (random, isOver) => trouble(ground, havoc, random, isOver)),
    lane(5, (random, isOver) => comeAndGo(ground, havoc, random, isOver)),
    lane(6, (random, isOver) => deleteByHand(ground, havoc, random, isOver)),
  ]);
  return havoc;
}

/** Numbers of different lanes never meet, so that what they make is unique where it must be. */
const NUMBERS: Record<string, number> = { quick: 0, other: 20_000, slow: 40_000 };

async function write(
  { shop, journal }: Ground,
  name: string,
  random: Random,
  isOver: () => boolean,
  draw: (random: Random, n: number) => Action,
  [least, most]: [number, number],
): Promise<void> {
  const session = await Session.open(name, shop.url, journal);
  for (let n = NUMBERS[name] ?? 0; !isOver(); n += 1) {
    const pauseMs = random.integer(least, most);
    await draw(random, n).run(session);
    await delay(pauseMs);
  }
  await session.close();
}

async function trouble({ shop, concerns }: Ground, havoc: Havoc, random: Random, isOver: () => boolean): Promise<void> {
  const { sandbox } = shop;
  const running: Promise<unknown>[] = [];
  for (let n = 0; !isOver(); n += 1) {
    const pauseMs = random.integer(500, 4_000);
    const drawn = drawTrouble(random, n);
    havoc.troubles.set(drawn.name, (havoc.troubles.get(drawn.name) ?? 0) + 1);
    running.push(inflict(shop, drawn, n).catch((error: unknown) => concerns(`${drawn.name}: ${error}`)));
    await delay(pauseMs);
  }
  await Promise.all(running);
  await sandbox.clearFaults();
  await sandbox.options(GOOD_DAY);
}

/** For what lasts a while, until it is over. */
async function inflict({ sandbox, must }: SoakedShop, { fault, options, forMs = 0, resumes }: Trouble, n: number) {
  const id = `soak-${n}`;
  if (fault !== undefined) await sandbox.fault({ id, ...fault });
  if (options !== undefined) await sandbox.options(options);
  if (forMs > 0) {
    await delay(forMs);
    if (fault !== undefined) await sandbox.ask('DELETE', `/__sandbox/faults/${id}`);
    const back = Object.keys(options ?? {}).map((name) => [name, GOOD_DAY[name as keyof typeof GOOD_DAY]]);
    if (back.length > 0) await sandbox.options(Object.fromEntries(back));
  }
  if (!resumes) return;
  await delay(3_000);
  await sandbox.ask('DELETE', `/__sandbox/faults/${id}`);
  await must('resume', 'contacts');
}

type Fate = 'start' | 'replace' | 'kill' | 'terminate' | 'freeze' | 'cut' | 'nothing';
const FATES: readonly Fate[] = [
  'start',
  'start',
  'start',
  'replace',
  'kill',
  'kill',
  'terminate',
  'freeze',
  'cut',
  'cut',
  'nothing',
];
const MOST_WORKERS = 3;

async function comeAndGo(ground: Ground, havoc: Havoc, random: Random, isOver: () => boolean): Promise<void> {
  const { shop, fleet, leaseMs } = ground;
  const frozen: Promise<void>[] = [];
  while (!isOver()) {
    const pauseMs = random.integer(3_000, 10_000);
    const fate = random.pick(FATES);
    const which = random.next();
    const frozenMs = leaseMs + random.integer(500, 2_500);
    const one = fleet.awake[Math.floor(which * fleet.awake.length)];
    if (one === undefined || (fate === 'start' && fleet.size < MOST_WORKERS)) fleet.start();
    else if (fate === 'kill' || fate === 'replace') await fleet.kill(one);
    else if (fate === 'terminate') await fleet.terminate(one);
    else if (fate === 'freeze') frozen.push(fleet.freeze(one, frozenMs));
    else if (fate === 'cut') havoc.cutConnections += await cutConnections(shop.env.DATABASE_URL ?? '', shop.connection);
    if (fleet.awake.length === 0 || fate === 'replace') fleet.start();
    await delay(pauseMs);
  }
  await Promise.all(frozen);
}

/** Somebody tidies up in HubSpot. The path is one that no fault meets. */
async function deleteByHand({ shop }: Ground, havoc: Havoc, random: Random, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const type = random.chance(0.7) ? 'contacts' : 'deals';
    const which = random.next();
    await delay(random.integer(3_000, 9_000));
    const records = await shop.sandbox.records(type);
    const record = records[Math.floor(which * records.length)];
    if (record === undefined) continue;
    havoc.deleted.push({ type, id: record.id, at: Date.now() });
    // Refused by a limit or for a latency it is not deleted, and looked after all the same.
    await fetch(`${shop.sandbox.url}/crm/v3/objects/${type}/gdpr-delete`, {
      method: 'POST',
      headers: { authorization: `Bearer ${shop.sandbox.token}` },
      body: JSON.stringify({ objectId: record.id }),
    });
  }
}
