import type { Scenario } from '../frame/scenario.ts';
import { firstLoad } from './firstLoad.ts';
import { freshness, freshnessBehindMass } from './freshness.ts';
import { noLimit } from './noLimit.ts';

/** In the order of the table. */
export const scenarios: readonly Scenario[] = [firstLoad, noLimit, freshness, freshnessBehindMass];
