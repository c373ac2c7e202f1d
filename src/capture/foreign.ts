import { ConfigurationError } from '../errors.ts';
import { type Installed, isOurs } from './installed.ts';
import type { Trigger, TriggerEvent } from './render.ts';

/** A trigger that is not ours, on a table that we watch or under a name that we need. It always stays as it is. */
export type Foreign = {
  name: string;
  table: string;
  timing: string;
  event: TriggerEvent;
  /** The account whose rights it uses. */
  definer: string;
  /** Why ours cannot stand beside it, and what to do; null when they can. */
  obstacle: string | null;
};

/** Old servers take one trigger a table, time and event; and a name is taken once in a database. Pure. */
export function findForeign(
  wanted: readonly Trigger[],
  installed: readonly Installed[],
  takesSeveral: boolean,
): Foreign[] {
  return installed
    .filter((each) => !isOurs(each))
    .filter(({ name, table }) => wanted.some((trigger) => trigger.table === table || trigger.name === name))
    .map(({ name, table, timing, event, definer }) => {
      const isSamePlace = timing === 'AFTER' && wanted.some((each) => each.table === table && each.event === event);
      const isSameName = wanted.some((each) => each.name === name);
      const obstacle = isSameName ? NAME_TAKEN : isSamePlace && !takesSeveral ? PLACE_TAKEN : null;
      return { name, table, timing, event, definer, obstacle };
    });
}

const NAME_TAKEN = 'ours has the same name: let its owner rename or drop it';
const PLACE_TAKEN =
  'this server takes one trigger a table, time and event: let its owner drop it, or upgrade the server to MySQL 5.7 or MariaDB 10.2.3';

/** @throws ConfigurationError when others' triggers leave ours no room */
export function refuseForeign(file: string, foreign: readonly Foreign[]): void {
  const problems = foreign.flatMap((each) =>
    each.obstacle === null
      ? []
      : [{ where: each.table, message: `${nameForeign(each)} is in the way: ${each.obstacle}` }],
  );
  if (problems.length > 0)
    throw new ConfigurationError(`the triggers for ${file} find no room`, { code: 'FOREIGN_TRIGGER', problems });
}

export function nameForeign({ name, timing, event, definer }: Foreign): string {
  return `the trigger ${name} (${timing} ${event}, of ${definer})`;
}
