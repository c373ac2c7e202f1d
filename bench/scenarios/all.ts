import type { Scenario } from '../frame/scenario.ts';
import { applicationWrites } from './applicationWrites.ts';
import { backfill } from './backfill.ts';
import { cost } from './cost.ts';
import { dump } from './dump.ts';
import { firstLoad } from './firstLoad.ts';
import { freshness, freshnessBehindMass } from './freshness.ts';
import { idle } from './idle.ts';
import { isolation } from './isolation.ts';
import { lookup } from './lookup.ts';
import { memory } from './memory.ts';
import { noLimit } from './noLimit.ts';
import { start } from './start.ts';
import { workers } from './workers.ts';

/** In the order of the table. */
export const scenarios: readonly Scenario[] = [
  firstLoad,
  isolation,
  noLimit,
  cost,
  memory,
  freshness,
  freshnessBehindMass,
  applicationWrites,
  lookup,
  idle,
  dump,
  backfill,
  start,
  workers,
];
