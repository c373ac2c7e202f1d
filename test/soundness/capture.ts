import { applyTriggers } from '../../src/capture/apply.ts';
import { deriveAll } from '../../src/capture/plan.ts';
import { loadWatches } from '../../src/capture/registry.ts';
import type { Mapping } from '../../src/config/mapping.ts';
import { defaultSettings } from '../../src/config/settings.ts';
import { connect, type Db } from '../../src/database/connect.ts';
import { migrateLatest } from '../../src/database/migrate.ts';
import { ConfigurationError } from '../../src/errors.ts';
import { Fold } from '../../src/outbox/fold.ts';
import type { Query } from './scenario.ts';

/** The product's own triggers and fold, on a scenario's tables. */
export type Capture = {
  /** The queries that can be followed, and why the others cannot. */
  followed: Query[];
  refused: string[];
  /** Folds what was noted since the last call: the marks as `watch key`, and the records they led to, by object. */
  resolve(): Promise<{ marks: string[]; records: Map<string, Set<string>> }>;
  close(): Promise<void>;
};

export async function installCapture(url: string, objects: readonly Query[]): Promise<Capture> {
  const db = await connect(url);
  await migrateLatest(db);
  const { followed, refused } = await sift(db, objects);
  await applyTriggers(db, toMapping(followed));
  const watches = await loadWatches(db);
  const fold = new Fold(db);
  return {
    followed,
    refused,
    async resolve() {
      const [rows] = await db.raw('SELECT watch, source_key FROM hubspot_mark ORDER BY id');
      const marks = (rows as { watch: number; source_key: string }[]).map((mark) => `${mark.watch} ${mark.source_key}`);
      // Each look is a thorough one: every call is a minute later than the last.
      for (let more = true; more; ) {
        clock += 60_000;
        ({ more } = await fold.run(watches, clock));
      }
      const [left] = await db.raw('SELECT COUNT(*) AS waiting FROM hubspot_mark');
      if (Number(left[0].waiting) > 0) throw new Error('marks were not folded');
      const [found] = await db.raw('SELECT object, source_id FROM hubspot_data');
      await db.raw('DELETE FROM hubspot_data');
      const records = new Map<string, Set<string>>();
      for (const { object, source_id: id } of found as { object: string; source_id: string }[]) {
        records.set(object, (records.get(object) ?? new Set()).add(id.trimEnd()));
      }
      return { marks, records };
    },
    close: () => db.destroy(),
  };
}

let clock = Date.now();

async function sift(db: Db, objects: readonly Query[]): Promise<{ followed: Query[]; refused: string[] }> {
  const followed: Query[] = [];
  const refused: string[] = [];
  for (const object of objects) {
    try {
      await deriveAll(db, toMapping([object]));
      followed.push(object);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      refused.push(`${object.query}: ${error.problems.map(({ message }) => message).join('; ')}`);
    }
  }
  return { followed, refused };
}

function toMapping(objects: readonly Query[]): Mapping {
  return {
    file: 'scenario',
    alerts: null,
    settings: defaultSettings(),
    objects: objects.map((object) => ({
      ...object,
      type: object.name,
      matchOn: 'email',
      whenGone: 'keep',
      timeZone: 'UTC',
      watch: [],
    })),
  };
}
